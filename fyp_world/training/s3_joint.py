"""Stage 0c: text to image and pose together, on single frames.

    python -m fyp_world.training.s3_joint --data DATA --init TEXT_RUN --out RUN

The UNet and the pose encoder learn at once; prompt and pose are each left out at random, so that
guidance works and either switch of the lessons means something. The text encoder stays as
`training.s2_text` left it: trained along, it forgot what tells characters apart long before
the UNet had learned to ask (the difference between two characters' embeddings fell to a thirtieth).
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPTextModel, PreTrainedTokenizerFast

from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.text import build_text_encoder, build_tokenizer
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.sampling import lite_scheduler
from fyp_lite.skeleton import LINE_WIDTH, draw_skeletons
from fyp_world.training.batches import Draw, Item, MakeBatch, normal, stack
from fyp_world.training.cache import SIZE, Cache
from fyp_world.training.checkpoints import saved_whole, start_from
from fyp_world.training.loop import train
from fyp_world.training.options import Options, parse_options
from fyp_world.training.s1_autoencoder import person_mask
from fyp_world.training.s2_text import TEXT_WIDTH
from fyp_world.world.dataset import world_vocabulary

WIDTHS = (48, 96, 192)
LATENT_CHANNELS = 8
TEMPORAL = ("attn_temp", "norm_temp", "conv_temporal")  # in the names of the temporal layers
# How often a picture comes without its prompt, without its pose and with neither: what the network
# paints then is what guidance leads away from.
DROP_PROMPT = 0.05
DROP_POSE = 0.05
DROP_BOTH = 0.1
PERSON_WEIGHT = 3.0  # in the loss: people are a fifth of the picture and what everybody looks at
HEAD_WEIGHT = 8.0  # of a twentieth of it, where faces and hats tell who it is
FLICKER_WEIGHT = 0.5  # of errors that one frame of a clip has and the next has not
HEAD_WIDTH = 0.14  # of the lines from eye to ear that cover a head, of the picture
# How often a style's pictures are drawn. Strokes are hard to denoise and teach little about people;
# hatching is hardest of all, and at 0.3 nobody could be told in it.
STYLE_WEIGHTS = {"plain": 1.0, "pencil sketch": 0.8}
OTHER_STYLES_WEIGHT = 0.3


class DiffusionStage(nn.Module):
    """The networks that denoise, and the loss of velocity prediction.

    Args:
        tokenizer: decides how many words the text encoder knows.
        size: height and width of the pictures, in pixels.
        widths: of each level of the UNet and of the pose encoder.
        num_heads: of each attention.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        size: int = SIZE,
        widths: tuple[int, ...] = WIDTHS,
        num_heads: int = 3,
    ) -> None:
        super().__init__()
        self.unet = FollowYourPoseUNet(
            sample_size=size // 8,
            in_channels=LATENT_CHANNELS,
            out_channels=LATENT_CHANNELS,
            block_out_channels=widths,
            attention_levels=(False, True, True),
            layers_per_block=1,
            num_attention_heads=num_heads,
            cross_attention_dim=TEXT_WIDTH,
            norm_num_groups=16,
            temporal_padding="replicate",  # so a single frame is to it a clip that stands still
        )
        self.pose_encoder = PoseEncoder(widths)
        self.text_encoder: CLIPTextModel = build_text_encoder(tokenizer, TEXT_WIDTH)
        start_as_identity(self)
        alphas_cumprod = lite_scheduler().alphas_cumprod
        self.alphas_cumprod: Tensor
        self.register_buffer("alphas_cumprod", alphas_cumprod, persistent=False)

    def forward(self, batch: Item) -> Item:
        """The loss of a batch.

        `latents` and `noise` `[b, c, f, h, w]`, `timestep` `[b]`, `weight` `[b, 1, f, h, w]`,
        `tokens` `[b, n]`, `skeleton` `[b, f, 3, H, W]` in 0...1, `use_pose` `[b]` 0 or 1.
        """
        clean, noise, timestep = batch["latents"], batch["noise"], batch["timestep"]
        alpha = self.alphas_cumprod[timestep].view(-1, 1, 1, 1, 1)
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean

        text = self.text_encoder(batch["tokens"]).last_hidden_state
        features = pose_features(self.pose_encoder, batch)
        predicted = self.unet(noisy, timestep, text, features).sample.float()
        target = self.target(batch, noisy, text, velocity, predicted)
        wrong = predicted - target
        error = wrong.square().mean(dim=1, keepdim=True)
        flicker = wrong.diff(dim=2).square().mean() if wrong.shape[2] > 1 else error.new_zeros(())
        return {
            "loss": (error * batch["weight"]).mean() + FLICKER_WEIGHT * flicker,
            "unweighted": error.mean().detach(),
            "flicker": flicker.detach(),
        }

    def target(
        self, batch: Item, noisy: Tensor, text: Tensor, velocity: Tensor, predicted: Tensor
    ) -> Tensor:
        """What the network is to predict: the velocity itself."""
        return velocity


def pose_features(pose_encoder: PoseEncoder, batch: Item) -> list[Tensor]:
    """Of a batch's skeletons, zeros where the pose is left out."""
    use_pose = batch["use_pose"].view(-1, 1, 1, 1, 1)
    return [feature * use_pose for feature in pose_encoder(batch["skeleton"])]


def start_as_identity(stage: DiffusionStage) -> None:
    """What looks across frames, and the pose, start by changing nothing."""
    for name, parameter in stage.named_parameters():
        if name.endswith(("attn_temp.to_out.0.weight", "attn_temp.to_out.0.bias")):
            nn.init.zeros_(parameter)
        if name.endswith(("conv_temporal.up.weight", "unet.conv_out.weight")):
            nn.init.zeros_(parameter)


def freeze_all_but(stage: DiffusionStage, parts: tuple[str, ...]) -> None:
    """Train only the parameters whose names hold one of these parts."""
    for name, parameter in stage.named_parameters():
        parameter.requires_grad = any(part in name for part in parts)


def timestep_at(quantile: float) -> int:
    """Timesteps over 0...999, seven in ten below 500: there outlines and flat colours are made.

    Above it prompt and pose decide what is painted, which is learned sooner: runs with five in six
    above 300 ended in pictures that were right from afar and mottled from near.
    Quantiles spread evenly within a batch make the loss steadier.
    """
    place = quantile / 1.4 if quantile < 0.7 else 0.5 + (quantile - 0.7) / 0.6
    return min(int(place * 1000), 999)


def shared_noise(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> Tensor:
    """Noise `[c, f, h, w]` of unit variance of which frames have the given share in common."""
    own, common = normal(shape, rng), normal((shape[0], 1, *shape[2:]), rng)
    return float(np.sqrt(1 - share)) * own + float(np.sqrt(share)) * common


def loss_weight(keypoints: np.ndarray) -> np.ndarray:
    """`[f, 32, 32]`: HEAD_WEIGHT on and around heads, PERSON_WEIGHT on the rest of people, 1
    elsewhere.

    The best prediction stays what it was; the network only gets there sooner where people look.
    """
    heads = keypoints.copy()
    heads[..., 5:, 2] = 0
    weight = np.where(in_cells([person_mask(k) for k in keypoints]), PERSON_WEIGHT, 1.0)
    weight[in_cells([person_mask(k, HEAD_WIDTH) for k in heads])] = HEAD_WEIGHT
    return weight.astype(np.float32)


def in_cells(masks: list[np.ndarray]) -> np.ndarray:
    """Masks `[256, 256]` of f frames as the cells of the latents that they touch: `[f, 32, 32]`."""
    cells = (SIZE // 8, SIZE // 8)
    # Of the mean of 64 pixels of 0 or 255 one alone leaves 4.
    means = [
        cv2.resize(255 * m.astype(np.uint8), cells, interpolation=cv2.INTER_AREA) for m in masks
    ]
    return np.stack(means) > 0


def random_skeletons(keypoints: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Skeleton frames `[f, 256, 256, 3]` as users' clips have them.

    Line widths vary, compression blurs, and now and then a detector misses a joint.
    """
    keypoints = keypoints.copy()
    if rng.random() < 0.15:
        keypoints[..., 2] *= rng.random(keypoints.shape[:-1]) > 0.06
    width = LINE_WIDTH * float(np.exp(rng.uniform(np.log(0.6), np.log(1.8))))
    frames = draw_skeletons(keypoints, SIZE, SIZE, line_width=width)
    if rng.random() < 0.5:
        quality = int(rng.integers(40, 95))
        for i, frame in enumerate(frames):
            _, data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
            frames[i] = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
    return frames


def make_item(
    cache: Cache,
    index: int,
    tokenizer: PreTrainedTokenizerFast,
    rng: np.random.Generator,
    quantile: float,
    drop_pose: float,
) -> Item:
    """Clip `index` of the cache with everything that the loss needs: see `DiffusionStage`."""
    neither = drop_pose > 0 and rng.random() < DROP_BOTH
    without_prompt = neither or rng.random() < DROP_PROMPT
    without_pose = neither or rng.random() < drop_pose
    caption = "" if without_prompt else cache.scenes[index].caption(rng)
    keypoints = np.array(cache.keypoints[index])
    skeleton = np.stack([cv2.split(frame) for frame in random_skeletons(keypoints, rng)])
    latents = torch.from_numpy(np.array(cache.latents[index])).float().transpose(0, 1)
    share = float(rng.choice([0.0, 0.5, 1.0]))
    tokens = tokenizer(caption, padding="max_length", truncation=True, return_tensors="pt")
    return {
        "latents": latents,
        "noise": shared_noise(tuple(latents.shape), share, rng),
        "timestep": torch.tensor(timestep_at(quantile)),
        "weight": torch.from_numpy(loss_weight(keypoints))[None],
        "tokens": tokens.input_ids[0],
        "skeleton": torch.from_numpy(skeleton * np.float32(1 / 255)),
        "use_pose": torch.tensor(float(not without_pose)),
    }


def batches(
    cache: Cache,
    tokenizer: PreTrainedTokenizerFast,
    options: Options,
    drop_pose: float = DROP_POSE,
) -> MakeBatch:
    """Single frames drawn by how much there is to learn from them."""
    cumulative = np.cumsum(style_chances(cache))

    def make_batch(draw: Draw) -> Item:
        items = []
        for rng, quantile in draw.items(options.batch_size):
            index = min(int(np.searchsorted(cumulative, rng.random())), len(cache) - 1)
            items.append(make_item(cache, index, tokenizer, rng, quantile, drop_pose))
        return stack(items)

    return make_batch


def style_chances(cache: Cache) -> np.ndarray:
    """`[n]`: how likely each item of a cache is drawn, by its style; together 1."""
    weights = np.array([STYLE_WEIGHTS.get(s.style, OTHER_STYLES_WEIGHT) for s in cache.scenes])
    return weights / weights.sum()


def even_batch(
    cache: Cache, tokenizer: PreTrainedTokenizerFast, draw: Draw, size: int, drop_pose: float
) -> Item:
    """This process's `size` items of a step, any of the cache's as likely as any other."""
    return stack(
        [
            make_item(cache, int(rng.integers(len(cache))), tokenizer, rng, quantile, drop_pose)
            for rng, quantile in draw.items(size)
        ]
    )


def save_networks(
    stage: DiffusionStage, options: Options, tokenizer: PreTrainedTokenizerFast
) -> None:
    stage.eval()
    with saved_whole(options.out) as folder:
        for name in ("unet", "pose_encoder", "text_encoder"):
            getattr(stage, name).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / "tokenizer")


def main() -> None:
    options = parse_options(__doc__, minutes=240, batch_size=16, learning_rate=8e-4)
    cache = Cache(options.data / "images")
    tokenizer = build_tokenizer(world_vocabulary())
    torch.manual_seed(options.seed)
    stage = DiffusionStage(tokenizer)
    start_from(stage, options, "training.s2_text")
    stage.text_encoder.requires_grad_(False)
    for name, parameter in stage.unet.named_parameters():
        if any(part in name for part in TEMPORAL):
            parameter.requires_grad = False  # single frames teach nothing about time
    if train(stage, batches(cache, tokenizer, options), options):
        save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
