"""The full model, put together from the published files in memory.

Stable Diffusion 1.4 gives the text encoder, the tokenizer and the autoencoder; the published
checkpoint gives the UNet and the pose encoder, or only what the paper trained of them, on top of
another Stable Diffusion 1.x.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from huggingface_hub import constants
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from fyp_lite.files.hashes import READ_ERRORS, CheckpointError, damage_named
from fyp_lite.files.writing import file_path
from fyp_lite.full.hub import LocalFiles, Offer, Source, ask, fetch, locate
from fyp_lite.full.lora import merge_lora
from fyp_lite.full.published import (
    CONFIG_FIELDS,
    GUIDANCE_SCALE,
    load_published,
    load_strictly,
    published_scheduler,
    read_tensors,
)
from fyp_lite.network_config import read_config
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.text import one_line

STABLE_DIFFUSION = "CompVis/stable-diffusion-v1-4@133a221b8aa7292a167afc5127cb63fb5005638b"
FOLLOW_YOUR_POSE = "YueMafighting/FollowYourPose_v1@main"
# GB from the shapes, at four bytes a parameter: 1.4's text encoder (123.1 M) and autoencoder
# (83.7 M), the checkpoint (998.5 M) and the pose encoder (77.4 M), and all networks of a base.
DOWNLOAD_GB = {"stable_diffusion": 0.8, "follow_your_pose": 4.3, "base": 4.3}
CONVERTED_GB = 2.4  # float16

CHECKPOINT = "followyourpose_checkpoint-1000/pytorch_model.bin"
POSE_ENCODER = "pose_encoder.pth"
SETUP_FILES = (
    ("unet/config.json",),
    ("vae/config.json",),
    ("text_encoder/config.json",),
    ("tokenizer/vocab.json",),
    ("tokenizer/merges.txt",),
    ("tokenizer/tokenizer_config.json",),
)
ENDINGS = ("safetensors", "fp16.safetensors", "bin")
UNET = tuple(f"unet/diffusion_pytorch_model.{ending}" for ending in ENDINGS)
VAE = tuple(f"vae/diffusion_pytorch_model.{ending}" for ending in ENDINGS)
TEXT_ENCODER = (
    "text_encoder/model.safetensors",
    "text_encoder/model.fp16.safetensors",
    "text_encoder/pytorch_model.bin",
)
# Old names in the autoencoder's attention, and today's.
VAE_NAMES = {
    ".query.": ".to_q.",
    ".key.": ".to_k.",
    ".value.": ".to_v.",
    ".proj_attn.": ".to_out.0.",
}


@dataclass(frozen=True)
class FullSources:
    """What the full model is made from. Names are folders, or `owner/name@revision` on the hub.

    Attributes:
        stable_diffusion: Stable Diffusion 1.4 in diffusers' layout.
        follow_your_pose: the published checkpoint and pose encoder.
        base: another Stable Diffusion 1.x that takes the place of 1.4's networks and of all in the
            UNet that the paper did not train: in diffusers' layout, or a single file; "" for none.
        loras: files and their scales, added in this order.
    """

    stable_diffusion: str = STABLE_DIFFUSION
    follow_your_pose: str = FOLLOW_YOUR_POSE
    base: str = ""
    loras: tuple[tuple[str, float], ...] = ()

    @property
    def base_file(self) -> Path | None:
        """The base where it is a single file."""
        path = file_path(self.base)
        return path if self.base and path.suffix in (".safetensors", ".ckpt") else None

    def repositories(self) -> dict[str, Source]:
        """What is taken from where; the published file has the whole UNet, so 1.4's stays out."""
        networks = () if self.base else (VAE, TEXT_ENCODER)
        sources = {
            "stable_diffusion": Source(self.stable_diffusion, (*SETUP_FILES, *networks)),
            "follow_your_pose": Source(self.follow_your_pose, ((CHECKPOINT,), (POSE_ENCODER,))),
        }
        if self.base and self.base_file is None:
            sources["base"] = Source(self.base, (UNET, VAE, TEXT_ENCODER, ("vae/config.json",)))
        return sources


def find_files(
    sources: FullSources, *, download: bool = False, say: Callable[[str], None] = print
) -> dict[str, LocalFiles]:
    """All files of the sources, on this machine.

    Args:
        download: fetch what is missing, after `say` was given its size, licence and disk need.

    Raises:
        CheckpointError: files that are not here and may not or cannot be fetched.
    """
    if sources.base_file is not None:
        _check_file("base", sources.base)
    for name, _ in sources.loras:
        _check_file("LoRA", name)
    repositories = sources.repositories()
    found = {part: locate(source) for part, source in repositories.items()}
    absent = {part: source for part, source in repositories.items() if found[part] is None}
    if absent and not download:
        names = ", ".join(source.hub_name()[0] for source in absent.values())
        size = sum(DOWNLOAD_GB[part] for part in absent)
        raise CheckpointError(
            f"The full model's files are not on this machine ({names}): `fyp-lite convert "
            f"--download` fetches them, about {size:.1f} GB, and needs {size + CONVERTED_GB:.1f} "
            "GB of disk with the converted model (Stable Diffusion 1.4 is under the CreativeML "
            "OpenRAIL-M licence, for the others see their pages on the hub); or give folders that "
            "have them."
        )
    offers = {part: ask(source) for part, source in absent.items()}
    if offers:
        _announce(offers.values(), say)
    fetched = {part: fetch(offer) for part, offer in offers.items()}
    return {part: files for part, files in found.items() if files is not None} | fetched


def _check_file(what: str, name: str) -> None:
    if not file_path(name).is_file():
        raise CheckpointError(
            f"The {what} {one_line(name, 80)!r} is not there: check the name and the folder."
        )


def assemble(
    files: dict[str, LocalFiles], sources: FullSources, dtype: torch.dtype
) -> FollowYourPosePipeline:
    """The pipeline of the full model, on the CPU.

    Args:
        files: from `find_files` of the same sources.
        dtype: of all networks.

    Raises:
        CheckpointError: a file is damaged or of another model, or a LoRA does not fit.
    """
    setup, published = files["stable_diffusion"], files["follow_your_pose"]
    config = _read_unet_config(setup.folder / "unet/config.json")
    vae_config = read_config(files.get("base", setup).folder / "vae/config.json", AutoencoderKL)
    base = _base_tensors(files, sources, config, vae_config)
    unet, pose_encoder = load_published(
        read_tensors(published.folder / CHECKPOINT),
        config,
        pose_encoder=read_tensors(published.folder / POSE_ENCODER),
        base=base.get("unet"),
        dtype=dtype,
    )
    text_encoder = _text_encoder(setup.folder / "text_encoder", base["text_encoder"], dtype)
    networks = {"unet": unet, "text_encoder": text_encoder}
    for name, scale in sources.loras:
        merge_lora(networks, file_path(name), scale)
    with damage_named(f"The tokenizer in {setup.folder}", (Exception,)):
        tokenizer = CLIPTokenizer.from_pretrained(setup.folder / "tokenizer")
    return FollowYourPosePipeline(
        vae=_autoencoder(vae_config, base["vae"], dtype),
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        pose_encoder=pose_encoder,
        scheduler=published_scheduler(),
        default_guidance_scale=GUIDANCE_SCALE,
    )


def _announce(offers: Collection[Offer], say: Callable[[str], None]) -> None:
    """Say what will be fetched; refuse where the disk has no room for it."""
    for offer in offers:
        say(str(offer))
    total = sum(offer.missing_bytes for offer in offers)
    say(f"{total / 1e9:.2f} GB in all, and {CONVERTED_GB} GB for the converted model.")
    cache = Path(constants.HF_HUB_CACHE)
    while not cache.exists():
        cache = cache.parent
    check_room(cache, total, "the download", "set HF_HOME to a folder on another disk")


def check_room(folder: Path, need: int, what: str, fix: str) -> None:
    """Refuse, with a `fix`, to write `what` of `need` bytes where the disk has less free."""
    free = shutil.disk_usage(folder).free
    if free < need:
        raise CheckpointError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free, but {what} needs "
            f"{need / 1e9:.1f}: make room, or {fix}."
        )


def _base_tensors(
    files: dict[str, LocalFiles],
    sources: FullSources,
    config: dict[str, Any],
    vae_config: dict[str, Any],
) -> dict[str, dict[str, Tensor]]:
    """The tensors of "text_encoder" and "vae", and of "unet" where there is a base."""
    if sources.base_file is None:
        folder = files.get("base", files["stable_diffusion"])
        parts = ["text_encoder", "vae"] + ["unet"] * ("base" in files)
        return {part: read_tensors(folder.weights(part)) for part in parts}
    tensors = read_tensors(sources.base_file)
    for prefix in ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."):
        if not any(key.startswith(prefix) for key in tensors):
            raise CheckpointError(
                f"The base {sources.base_file.name} is not a whole Stable Diffusion 1.x "
                f"checkpoint: it has no {prefix}*; give one with all three networks, a LoRA as "
                "a LoRA."
            )
    # A tensor that is missing is a key or a place in a list that is not there.
    with damage_named(f"The base {sources.base_file.name}", (LookupError, *READ_ERRORS)):
        return {
            "unet": convert_ldm_unet_checkpoint(dict(tensors), config),
            "vae": convert_ldm_vae_checkpoint(dict(tensors), vae_config),
            "text_encoder": convert_ldm_clip_checkpoint(dict(tensors)),
        }


def _read_unet_config(path: Path) -> dict[str, Any]:
    """Stable Diffusion's own configuration, which has the published fields."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        fits = all(field in config for field in CONFIG_FIELDS)
        # Those of Stable Diffusion 2 and XL differ in these.
        fits &= not config.get("use_linear_projection")
        fits &= isinstance(config.get("attention_head_dim"), int)
    except (ValueError, AttributeError, TypeError):
        fits = False
    if not fits:
        raise CheckpointError(
            f"{path} is not the configuration of a Stable Diffusion 1.x UNet, on which the "
            "published weights are built: give Stable Diffusion 1.4."
        )
    return read_config(path, UNet2DConditionModel, CONFIG_FIELDS)


def _text_encoder(folder: Path, tensors: dict[str, Tensor], dtype: torch.dtype) -> CLIPTextModel:
    read_config(folder / "config.json", CLIPTextConfig)
    with damage_named(f"The text encoder in {folder}", (Exception,)):
        network = CLIPTextModel(CLIPTextConfig.from_pretrained(folder))
    # Releases of transformers differ in the prefix, and older files list the positions' numbers.
    ours = {key.removeprefix("text_model."): key for key in network.state_dict()}
    renamed = {}
    for key, value in tensors.items():
        plain = key.removeprefix("text_model.")
        if plain != "embeddings.position_ids":
            renamed[ours.get(plain, key)] = value
    load_strictly(network, renamed, dtype)
    return network.eval()


def _autoencoder(
    config: dict[str, Any], tensors: dict[str, Tensor], dtype: torch.dtype
) -> AutoencoderKL:
    with torch.device("meta"), damage_named("The autoencoder's configuration", (Exception,)):
        network = AutoencoderKL.from_config(config)
    renamed = {}
    for key, value in tensors.items():
        for old, new in VAE_NAMES.items():
            key = key.replace(old, new)
        renamed[key] = value
    load_strictly(network, renamed, dtype)
    return network.eval()
