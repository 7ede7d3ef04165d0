"""Stage 0c: text to image and pose together, on single frames.

    python -m fyp_lite.training.joint --data DATA --init TEXT_RUN --out RUN

The UNet, the pose encoder and the text encoder learn at once; prompt and pose are each left out at
random, so that guidance works and either switch of the lessons means something.
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
from fyp_lite.training.cache import SIZE, Cache
from fyp_lite.training.common import MakeBatch, Options, load_average, parse_options, train
from fyp_lite.training.text import TEXT_WIDTH
from fyp_lite.world.dataset import world_vocabulary

WIDTHS = (48, 96, 192)
DROP_PROMPT = 0.1
DROP_POSE = 0.1
CROWD_WEIGHT = 0.25  # one person is what most clips hold
STYLED_WEIGHT = 0.08  # strokes and hatching are hard to denoise and teach little about people


class DiffusionStage(nn.Module):
    """The networks that denoise, and the loss of velocity prediction."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, latent_channels: int = 8) -> None:
        super().__init__()
        self.unet = FollowYourPoseUNet(
            sample_size=SIZE // 8,
            in_channels=latent_channels,
            out_channels=latent_channels,
            block_out_channels=WIDTHS,
            attention_levels=(False, True, True),
            layers_per_block=1,
            num_attention_heads=3,
            cross_attention_dim=TEXT_WIDTH,
            norm_num_groups=16,
        )
        self.pose_encoder = PoseEncoder(WIDTHS)
        self.text_encoder: CLIPTextModel = build_text_encoder(tokenizer, TEXT_WIDTH)
        start_as_identity(self)
        alphas_cumprod = lite_scheduler().alphas_cumprod
        self.alphas_cumprod: Tensor
        self.register_buffer("alphas_cumprod", alphas_cumprod, persistent=False)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """The loss of a batch.

        `latents` `[b, c, f, h, w]`, `tokens` `[b, n]`, `skeleton` `[b, f, 3, H, W]` in 0...1,
        `use_pose` `[b]` 0 or 1, `shared` `[b]`: the share of the noise that frames have in common.
        """
        clean = batch["latents"]
        size = clean.shape[0]
        timestep = random_timesteps(size, clean.device)
        alpha = self.alphas_cumprod[timestep].view(size, 1, 1, 1, 1)
        noise = shared_noise(clean, batch["shared"])
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        velocity = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean

        text = self.text_encoder(batch["tokens"]).last_hidden_state
        use_pose = batch["use_pose"].view(size, 1, 1, 1, 1)
        features = [feature * use_pose for feature in self.pose_encoder(batch["skeleton"])]
        predicted = self.unet(noisy, timestep, text, features).sample
        error = (predicted.float() - velocity).square()
        return {"loss": error.mean()}


def start_as_identity(stage: DiffusionStage) -> None:
    """What looks across frames, and the pose, start by changing nothing."""
    for name, parameter in stage.named_parameters():
        if name.endswith(("attn_temp.to_out.0.weight", "attn_temp.to_out.0.bias")):
            nn.init.zeros_(parameter)
        if name.endswith(("conv_temporal.up.weight", "unet.conv_out.weight")):
            nn.init.zeros_(parameter)


def random_timesteps(count: int, device: torch.device) -> Tensor:
    """Timesteps spread over 0...999 within the batch, which makes the loss steadier.

    Five in six lie above 300, where prompt and pose decide what is painted.
    """
    places = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
    places = torch.where(places < 1 / 6, places * 1.8, places * 0.84 + 0.16)
    return (places * 1000).long().clamp(max=999)


def shared_noise(clean: Tensor, shared: Tensor) -> Tensor:
    """Noise of unit variance of which frames have the given share in common."""
    share = shared.view(-1, 1, 1, 1, 1)
    common = torch.randn_like(clean[:, :, :1])
    return (1 - share).sqrt() * torch.randn_like(clean) + share.sqrt() * common


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
    cache: Cache, index: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, str]:
    """Latents `[f, c, h, w]`, skeleton frames and a caption ('' where it is left out)."""
    caption = "" if rng.random() < DROP_PROMPT else cache.scenes[index].caption(rng)
    skeletons = random_skeletons(np.array(cache.keypoints[index]), rng)
    return cache.latents[index], skeletons, caption


def collate(
    items: list[tuple[np.ndarray, np.ndarray, str]],
    tokenizer: PreTrainedTokenizerFast,
    rng: np.random.Generator,
    drop_pose: float,
) -> dict[str, Tensor]:
    latents, skeletons, captions = zip(*items, strict=True)
    tokens = tokenizer(
        list(captions), padding="max_length", truncation=True, return_tensors="pt"
    ).input_ids
    skeleton = torch.from_numpy(np.stack(skeletons)).permute(0, 1, 4, 2, 3).float() / 255
    return {
        "latents": torch.from_numpy(np.stack(latents)).float().transpose(1, 2),
        "tokens": tokens,
        "skeleton": skeleton,
        "use_pose": torch.from_numpy((rng.random(len(items)) >= drop_pose).astype(np.float32)),
        "shared": torch.from_numpy(rng.choice([0.0, 0.5, 1.0], len(items)).astype(np.float32)),
    }


def batches(cache: Cache, tokenizer: PreTrainedTokenizerFast, options: Options) -> MakeBatch:
    weights = np.array([1.0 if s.style == "plain" else STYLED_WEIGHT for s in cache.scenes])
    weights *= np.array([1.0 if len(s.characters) == 1 else CROWD_WEIGHT for s in cache.scenes])
    weights /= weights.sum()

    def make_batch(rng: np.random.Generator) -> dict[str, Tensor]:
        indices = rng.choice(len(cache), size=options.batch_size, p=weights)
        items = [make_item(cache, int(i), rng) for i in indices]
        return collate(items, tokenizer, rng, DROP_POSE)

    return make_batch


def save_networks(
    stage: DiffusionStage, options: Options, tokenizer: PreTrainedTokenizerFast
) -> None:
    stage.eval()
    for name in ("unet", "pose_encoder", "text_encoder"):
        getattr(stage, name).save_pretrained(options.out / name)
    tokenizer.save_pretrained(options.out / "tokenizer")


def main() -> None:
    options = parse_options(__doc__, minutes=240, batch_size=16, learning_rate=8e-4)
    cache = Cache(options.data / "images")
    tokenizer = build_tokenizer(world_vocabulary())
    torch.manual_seed(options.seed)
    stage = DiffusionStage(tokenizer)
    if options.init is not None:
        load_average(stage, options.init)
    train(stage, batches(cache, tokenizer, options), options)
    save_networks(stage, options, tokenizer)


if __name__ == "__main__":
    main()
