"""The last step: trained networks to one folder that `load_pipeline` reads.

    python -m fyp_world.training.assemble --vae RUN/vae --networks RUN --out FOLDER
    python -m fyp_world.training.assemble --vae RUN/vae --networks RUN --before MODEL --share S

The second form goes only a part of the way from the networks that the run began with to those that
it ended with. Weights are stored in float16; the hash of every file goes into the folder, and so
does the hash of the world's source.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
from transformers import AutoTokenizer, CLIPTextModel

import fyp_world.world
from fyp_lite.files.hashes import write_hashes
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.model.vae import FrameAutoencoder
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.sampling import lite_scheduler
from fyp_world.training.averages import mix

# Beyond it figures follow less, the prompt gains little and a step costs twice as much: the model
# card has the figures.
GUIDANCE_SCALE = 1.0
SHARED_NOISE = 1.0  # every frame begins alike: scenery that stands still then stays still


def world_hash() -> str:
    """SHA-256 of the source of the world that the model has learned."""
    digest = hashlib.sha256()
    folder = Path(fyp_world.world.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def build_pipeline(
    vae: Path, networks: Path, before: Path | None = None, share: float = 1.0
) -> FollowYourPosePipeline:
    """The networks, in float16.

    Args:
        vae: folder of the autoencoder.
        networks: the others' folders are in it.
        before: as `networks`, for what the UNet and the pose encoder were before; None to leave it.
        share: how far they go from there, 0...1.
    """

    def denoiser(folder: Path) -> tuple[FollowYourPoseUNet, PoseEncoder]:
        return (
            FollowYourPoseUNet.from_pretrained(folder / "unet"),
            PoseEncoder.from_pretrained(folder / "pose_encoder"),
        )

    unet, pose_encoder = denoiser(networks)
    if before is not None:
        first_unet, first_encoder = denoiser(before)
        mix(unet, first_unet, 1 - share)
        mix(pose_encoder, first_encoder, 1 - share)
    return FollowYourPosePipeline(
        vae=FrameAutoencoder.from_pretrained(vae, torch_dtype=torch.float16),
        text_encoder=CLIPTextModel.from_pretrained(networks / "text_encoder", dtype=torch.float16),
        tokenizer=AutoTokenizer.from_pretrained(networks / "tokenizer"),
        unet=unet.half(),
        pose_encoder=pose_encoder.half(),
        scheduler=lite_scheduler(),
        default_guidance_scale=GUIDANCE_SCALE,
        shared_noise=SHARED_NOISE,
    )


def forget_folders(out: Path) -> None:
    """Take the folder that it was loaded from out of every saved configuration."""
    for path in out.glob("*/config.json"):
        config = json.loads(path.read_text())
        config.pop("_name_or_path", None)
        path.write_bytes((json.dumps(config, indent=2) + "\n").encode())


def save_model(pipeline: FollowYourPosePipeline, out: Path) -> None:
    """Write a model in float16, with its hashes and that of the world, and say how large it is."""
    pipeline.to(torch.float16)
    pipeline.save_pretrained(out)
    forget_folders(out)
    world = json.dumps({"world_sha256": world_hash()}) + "\n"
    (out / "world.json").write_bytes(world.encode())  # the same line end everywhere
    write_hashes(out)
    size = sum(p.stat().st_size for p in out.rglob("*") if p.is_file())
    for name in ("vae", "text_encoder", "unet", "pose_encoder"):
        count = sum(p.numel() for p in getattr(pipeline, name).parameters())
        print(f"{name:13} {count / 1e6:6.2f} M parameters")
    print(f"{out}: {size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--before", type=Path, help="the networks that the run began with")
    parser.add_argument("--share", type=float, default=1.0, help="of the way from there, 0...1")
    options = parser.parse_args()
    if not 0 <= options.share <= 1:
        parser.error(f"--share is {options.share:g}: choose 0 (before) to 1 (the run's end).")
    if options.before is None and options.share != 1:
        parser.error("--share needs --before, the folder of the networks to go from.")
    pipeline = build_pipeline(options.vae, options.networks, options.before, options.share)
    save_model(pipeline, options.out)


if __name__ == "__main__":
    main()
