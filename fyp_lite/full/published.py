"""The published checkpoint: its names, its configuration, its files, and how they become networks.

Stable Diffusion's UNet is inflated over time: its 2D tensors keep their names and shapes, and what
the paper adds (pose encoder, temporal layers) comes from the published files.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from fyp_lite.files.hashes import CheckpointError, damage_named
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.text import one_line

# The published file keeps the pose encoder inside the UNet and numbers its parts; all other names
# are Stable Diffusion's and stay.
POSE_ENCODER_PREFIX = "skeleton_adapter."
POSE_ENCODER_NAMES = {"body.": "blocks.", ".block1.": ".conv1.", ".block2.": ".conv2."}
CONFIG_FIELDS = (
    "sample_size",
    "in_channels",
    "out_channels",
    "down_block_types",
    "block_out_channels",
    "layers_per_block",
    "attention_head_dim",
    "cross_attention_dim",
    "norm_num_groups",
    "norm_eps",
)
# Layers that a 2D network does not have, and those of its own that the paper's second stage
# trained (section 3.3); every other tensor of the UNet stayed as the base model has it.
TEMPORAL_LAYERS = (".attn_temp.", ".norm_temp.", ".conv_temporal.")
TRAINED_LAYERS = (".attn1.to_q.", ".attn2.to_q.")

GUIDANCE_SCALE = 12.5
SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def published_scheduler() -> DDIMScheduler:
    """The published schedule: it predicts the noise and ends at the first timestep's alpha."""
    return DDIMScheduler(**SCHEDULE)


def from_published_keys(state_dict: dict[str, Tensor]) -> tuple[dict, dict]:
    """Split a published state dict into those of our UNet and our pose encoder."""
    unet, pose_encoder = {}, {}
    for key, value in state_dict.items():
        if key.startswith(POSE_ENCODER_PREFIX):
            key = key.removeprefix(POSE_ENCODER_PREFIX)
            for published, ours in POSE_ENCODER_NAMES.items():
                key = key.replace(published, ours)
            pose_encoder[key] = value
        else:
            unet[key] = value
    return unet, pose_encoder


def to_published_keys(unet: dict[str, Any], pose_encoder: dict[str, Any]) -> dict[str, Any]:
    """The inverse of `from_published_keys`."""
    published = dict(unet)
    for key, value in pose_encoder.items():
        for theirs, ours in POSE_ENCODER_NAMES.items():
            key = key.replace(ours, theirs)
        published[POSE_ENCODER_PREFIX + key] = value
    return published


def networks_from_published_config(
    config: dict[str, Any],
) -> tuple[FollowYourPoseUNet, PoseEncoder]:
    """Both networks, with random weights, for a configuration in the published form."""
    widths = tuple(config["block_out_channels"])
    unet = FollowYourPoseUNet(
        sample_size=config["sample_size"],
        in_channels=config["in_channels"],
        out_channels=config["out_channels"],
        block_out_channels=widths,
        attention_levels=tuple("CrossAttn" in name for name in config["down_block_types"]),
        layers_per_block=config["layers_per_block"],
        # Published as `attention_head_dim`, but it is the number of heads.
        num_attention_heads=config["attention_head_dim"],
        cross_attention_dim=config["cross_attention_dim"],
        norm_num_groups=config["norm_num_groups"],
        norm_eps=config["norm_eps"],
    )
    return unet, PoseEncoder(block_out_channels=widths)


def load_published(
    state_dict: dict[str, Tensor],
    config: dict[str, Any],
    *,
    pose_encoder: dict[str, Tensor] | None = None,
    base: dict[str, Tensor] | None = None,
    dtype: torch.dtype | None = None,
) -> tuple[FollowYourPoseUNet, PoseEncoder]:
    """Our networks with published weights; every tensor is used and none is missing.

    Args:
        state_dict: the published network's parameters under their published names.
        config: the published UNet configuration (`block_out_channels`, `down_block_types`, ...);
            Stable Diffusion's own has the same fields.
        pose_encoder: the pose encoder's separate file; tensors that `state_dict` has too are taken
            from there, as the published code does.
        base: a 2D UNet's parameters; whatever the paper did not train is taken from it.
        dtype: of the networks; None keeps that of the tensors.

    Raises:
        CheckpointError: a tensor is missing, left over or of another shape, or is not finite.
    """
    # On "meta", shapes need no memory: the tensors bring theirs.
    with torch.device("meta"), damage_named("The UNet's configuration"):
        unet, encoder = networks_from_published_config(config)
    unet_part, encoder_part = from_published_keys(state_dict)
    if pose_encoder is not None:
        prefixed = {POSE_ENCODER_PREFIX + key: value for key, value in pose_encoder.items()}
        encoder_part = from_published_keys(prefixed)[1] | encoder_part
    if base is not None:
        flat = {key: value for key, value in unet.state_dict().items() if not _is_temporal(key)}
        check_fit("the UNet of Stable Diffusion 1.x", flat, base)
        unet_part = unet_part | {k: v for k, v in base.items() if not _any_of(TRAINED_LAYERS, k)}
    load_strictly(unet, unet_part, dtype)
    load_strictly(encoder, encoder_part, dtype)
    return unet.eval(), encoder.eval()


def load_strictly(network: Any, state_dict: dict[str, Tensor], dtype: torch.dtype | None) -> None:
    """`load_state_dict(strict=True)` of copies, with the first difference in one sentence."""
    check_fit(type(network).__name__, network.state_dict(), state_dict)
    weights = {key: value.to(dtype or value.dtype, copy=True) for key, value in state_dict.items()}
    for key, value in weights.items():
        if not value.isfinite().all():
            raise CheckpointError(
                f"{key} of {type(network).__name__} holds numbers that are infinite or not a "
                f"number as {value.dtype}: get the file again, or convert to float32."
            )
    network.load_state_dict(weights, assign=True)


def check_fit(name: str, wanted: dict[str, Tensor], given: dict[str, Tensor]) -> None:
    """Refuse tensors that are not exactly the wanted ones, by name and shape.

    Raises:
        CheckpointError: with the numbers of differences and the first of each kind.
    """
    ours = {key: tuple(value.shape) for key, value in wanted.items()}
    theirs = {key: tuple(value.shape) for key, value in given.items()}
    missing = sorted(ours.keys() - theirs.keys())
    left_over = sorted(theirs.keys() - ours.keys())
    changed = sorted(key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key])
    if missing or left_over or changed:
        detail = (
            [f"{key} is missing" for key in missing[:1]]
            + [f"{one_line(key, 80)} is not a part of it" for key in left_over[:1]]
            + [f"{key} is {theirs[key]} instead of {ours[key]}" for key in changed[:1]]
        )
        raise CheckpointError(
            f"These weights do not fit {name}, by the number of tensors: missing {len(missing)}, "
            f"left over {len(left_over)}, of another shape {len(changed)} ({'; '.join(detail)}). "
            "Load weights that were saved for the same configuration."
        )


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors by name from a .safetensors or PyTorch file; code inside it never runs.

    The tensors stay in the file until they are used, where its kind allows that.

    Raises:
        CheckpointError: no such file, cut short, no tensors by name, or more than tensors.
    """
    cause: Exception | None = None
    try:
        if path.suffix == ".safetensors":
            loaded: Any = safetensors.torch.load_file(path)
        else:
            mapped = zipfile.is_zipfile(path)  # PyTorch's older format cannot be
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of damage, which is refused
                loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError as error:
        cause = error
        problem = "is not there: check the folder's name and what is in it."
    except pickle.UnpicklingError as error:
        cause, problem = error, _damage(path)
        if code := re.search(r"GLOBAL ([\w.]+)", str(error)):
            problem = (
                f"is not only tensors but would run code ({code[1]}), which is never done: get "
                "its .safetensors edition."
            )
    except Exception as error:  # of dozens of kinds, and nothing but the read is in the block
        cause, problem = error, _damage(path)
    else:
        # Stable Diffusion's own .ckpt has its tensors one level down.
        tensors = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
        if tensors and isinstance(tensors, dict) and all(map(_is_named_tensor, tensors.items())):
            return tensors
        problem = "holds no tensors by name: give the file that holds the network's weights."
    raise CheckpointError(f"The weights file {path} {problem}") from cause


def _is_named_tensor(item: tuple[object, object]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _damage(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(20) == b"version https://git-":
            return "is only a pointer of Git LFS: run `git lfs pull` in its folder."
    return f"is damaged or was cut short at {size:,} bytes: download it again."


def _is_temporal(key: str) -> bool:
    return _any_of(TEMPORAL_LAYERS, key)


def _any_of(layers: tuple[str, ...], key: str) -> bool:
    return any(layer in key for layer in layers)
