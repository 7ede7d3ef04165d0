"""Choose what a run ends with: a mixture of its snapshots and of what it began with.

    python -m fyp_world.training.blend --run RUN --before MODEL --out FOLDER

Between and beyond averages of a run lie better ones, and looking for them costs no training (Liu
et al. 2024, "Linear combination of saved checkpoints makes consistency and diffusion models
better", arXiv 2404.02241). Candidates go some way from `MODEL`, the folder that the run began with,
to the mean of its last snapshots. Each paints stills that are set aside for this choice: other ones
than `training.evaluate` reports. The best has the heads nearest to the drawn ones, of those
candidates that lose neither joints nor the prompt. `FOLDER` is then a model that `load_pipeline`
reads.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from fyp_lite.judges.scores import Judge
from fyp_lite.loading import load_pipeline
from fyp_lite.model_folder import WEIGHTS
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import SampleSettings
from fyp_world.evaluation.measures import Scores, mean_of, prompt_scores
from fyp_world.evaluation.truth import Truth
from fyp_world.training.assemble import save_model

STREAM = 20  # of the stills that are set aside
COUNTS = (1, 3, 6)  # snapshots of which the mean is taken
SHARES = (0.5, 0.75, 1.0, 1.25)  # of the way from the networks before
NETWORKS = ("unet", "pose_encoder")
TOLERANCE = 0.01  # of the joints, and of the stills with everything right, that may be lost

Weights = Mapping[str, Tensor]


def mean_weights(snapshots: list[Path]) -> dict[str, Tensor]:
    """The mean of the weights in several files, in float32."""
    files = [load_file(path) for path in snapshots]
    return {name: torch.stack([f[name].float() for f in files]).mean(dim=0) for name in files[0]}


def between(before: Weights, after: Weights, share: float) -> dict[str, Tensor]:
    """The weights at a share of the way, beyond `after` where it is more than 1."""
    return {name: torch.lerp(before[name].float(), after[name], share) for name in after}


def saved_weights(model: Path) -> dict[str, Tensor]:
    """Of the UNet and the pose encoder in a model's folder, named as in a stage's snapshots."""
    return {
        f"{name}.{key}": value
        for name in NETWORKS
        for path in (model / name).glob("*.safetensors")
        for key, value in load_file(path).items()
    }


def put(weights: Weights, pipeline: FollowYourPosePipeline) -> None:
    """Copy weights of a snapshot's names into a pipeline's networks."""
    for name in NETWORKS:
        start = f"{name}."
        own = {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}
        getattr(pipeline, name).load_state_dict(own, strict=False)


class Chooser:
    """Scores candidates on stills that are set aside.

    Args:
        count: stills.
        num_steps: of sampling; few, since what tells candidates apart shows soon.
    """

    def __init__(
        self, pipeline: FollowYourPosePipeline, judge: Judge, count: int, num_steps: int
    ) -> None:
        self.pipeline, self.judge = pipeline, judge
        self.truth = Truth(pipeline, count, held_out=True, stream=STREAM)
        self.settings = SampleSettings(num_inference_steps=num_steps)

    def scores(self, weights: Weights) -> Scores:
        """PSNR of heads and people in dB, and shares of joints, eyes and noses, and stills with
        the right character and with everything right."""
        put(weights, self.pipeline)
        made = self.truth.generated(self.settings)
        psnr = self.truth.psnr(made)["all"]
        judged = mean_of(
            self.judge.follow(picture[None], still.keypoints())
            | prompt_scores(self.judge, picture[None], still)
            for picture, still in zip(made, self.truth.stills, strict=True)
        )
        names = ("joints @0.1", "face @0.05", "shows character", "shows all")
        return {
            "heads": psnr["heads"],
            "people": psnr["people"],
            **{name: judged[name] for name in names},
        }


def is_better(scores: Scores, than: Scores, floor: Scores) -> bool:
    """Whether heads are nearer to the drawn ones, and joints and prompt are not below `floor`'s."""
    kept = all(scores[n] >= floor[n] - TOLERANCE for n in ("joints @0.1", "shows all"))
    return kept and scores["heads"] > than["heads"]


def choose(chooser: Chooser, before: Weights, snapshots: list[Path]) -> dict[str, Tensor]:
    """First how many snapshots, all the way; then how far. Prints the scores of every candidate."""
    tried: dict[tuple[int, float], Scores] = {}
    floor = chooser.scores(before)
    print(f"before: {json.dumps(floor)}", flush=True)
    best, best_scores, chosen = dict(before), floor, None

    def candidate(count: int, share: float) -> None:
        nonlocal best, best_scores, chosen
        if (count, share) in tried or count > len(snapshots):
            return
        weights = between(before, mean_weights(snapshots[-count:]), share)
        tried[count, share] = scores = chooser.scores(weights)
        print(f"the last {count}, share {share:g}: {json.dumps(scores)}", flush=True)
        if is_better(scores, best_scores, floor):
            best, best_scores, chosen = weights, scores, (count, share)

    for count in COUNTS:
        candidate(count, 1.0)
    count = chosen[0] if chosen else COUNTS[0]
    for share in SHARES:
        candidate(count, share)
    print(f"chosen: {chosen or 'the networks before'}")
    return best


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="of training.s6_close_ups")
    parser.add_argument(
        "--before", type=Path, default=WEIGHTS / "lite", help="the model that it began with"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stills", type=int, default=96)
    parser.add_argument("--steps", type=int, default=8, help="of sampling")
    options = parser.parse_args()
    snapshots = sorted((options.run / "snapshots").glob("*.safetensors"))
    if not snapshots:
        parser.error(f"{options.run} has no snapshots: give a run of training.s6_close_ups.")
    pipeline = load_pipeline(options.before)
    pipeline.set_progress_bar_config(disable=True)
    chooser = Chooser(pipeline, Judge(), options.stills, options.steps)
    best = choose(chooser, saved_weights(options.before), snapshots)
    # Loaded again, since the candidates were in the dtype that is fastest here.
    pipeline = load_pipeline(options.before, device="cpu", dtype=torch.float32)
    put(best, pipeline)
    save_model(pipeline, options.out)


if __name__ == "__main__":
    main()
