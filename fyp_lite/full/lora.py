"""LoRA files for Stable Diffusion 1.x, added to the weights at loading: W + scale * up @ down.

The two common formats are read: diffusers' (with its older and PEFT names) and kohya's. They were
made for a 2D network; its layers have the same names in ours, where they run on every frame.

Source: Hu et al. 2021, arXiv 2106.09685.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor, nn

from fyp_lite.files.hashes import CheckpointError, damage_named
from fyp_lite.full.published import read_tensors

# What follows a layer's name, and which of the three parts it marks.
ENDINGS = {
    ".lora_down.weight": "down",
    ".lora_up.weight": "up",
    ".lora.down.weight": "down",
    ".lora.up.weight": "up",
    ".lora_A.weight": "down",
    ".lora_B.weight": "up",
    ".lora_linear_layer.down.weight": "down",
    ".lora_linear_layer.up.weight": "up",
    "_lora.down.weight": "down",
    "_lora.up.weight": "up",
    ".alpha": "alpha",
}
PREFIXES = {
    "unet.": "unet",
    "text_encoder.": "text_encoder",
    "lora_unet_": "unet",
    "lora_te_": "text_encoder",
    "base_model.model.": "unet",
}


class LayerName(NamedTuple):
    network: str  # "unet" or "text_encoder"
    layer: str  # the layer's name with _ for every dot, as kohya writes it


def merge_lora(networks: dict[str, nn.Module], path: Path, scale: float) -> int:
    """Add a LoRA to the weights of the networks, in place; returns how many layers it changed.

    Args:
        networks: "unet" and "text_encoder".
        path: .safetensors, or a PyTorch file with nothing but tensors.
        scale: 1 is the strength that it was trained at, 0 leaves the weights as they are.

    Raises:
        CheckpointError: a tensor that fits no layer, or a layer whose parts are not complete.
    """
    layers = {name: _layers(network) for name, network in networks.items()}
    tensors = read_tensors(path)
    alphas = _written_alphas(path)
    parts: dict[LayerName, dict[str, Tensor]] = defaultdict(dict)
    strangers = []
    for key, value in tensors.items():
        found = _split(key)
        if found is None or found[0].layer not in layers[found[0].network]:
            strangers.append(key)
        else:
            parts[found[0]][found[1]] = value
    incomplete = [name.layer for name, part in parts.items() if not {"up", "down"} <= part.keys()]
    if strangers or incomplete:
        what = f"{len(strangers)} tensors that fit no layer of Stable Diffusion 1.x"
        if not strangers:
            what = f"{len(incomplete)} layers without both halves"
        raise CheckpointError(
            f"The LoRA {path.name} has {what}, such as {(strangers or incomplete)[0]}: use a LoRA "
            "(not LoHa, LoKr or DoRA) that was made for Stable Diffusion 1.x."
        )
    for name, part in parts.items():
        if name.network in alphas:
            part.setdefault("alpha", torch.tensor(alphas[name.network]))
        _add(layers[name.network][name.layer], part, scale, f"{path.name}: {name.layer}")
    return len(parts)


def _layers(network: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """Linear layers and convolutions by kohya's name.

    A text encoder's own prefix is left out: releases of transformers differ in having it.
    """
    return {
        name.removeprefix("text_model.").replace(".", "_"): layer
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    }


def _split(key: str) -> tuple[LayerName, str] | None:
    """A tensor's layer and part, or None where the name is of no known form."""
    ending = next((ending for ending in ENDINGS if key.endswith(ending)), None)
    if ending is None:
        return None
    prefix = next((prefix for prefix in PREFIXES if key.startswith(prefix)), "")
    layer = key.removeprefix(prefix).removesuffix(ending).removeprefix("base_model.model.")
    layer = layer.replace(".processor.", ".").replace(".", "_")
    layer = re.sub(r"_to_out$", "_to_out_0", layer)  # older diffusers drops the number
    name = LayerName(PREFIXES.get(prefix, "unet"), layer.removeprefix("text_model_"))
    return name, ENDINGS[ending]


def _written_alphas(path: Path) -> dict[str, float]:
    """Each network's alpha where diffusers wrote it into the file's header."""
    if path.suffix != ".safetensors":
        return {}
    with safe_open(path, "pt") as file, damage_named(f"The LoRA {path.name}"):
        facts = json.loads((file.metadata() or {}).get("lora_adapter_metadata", "{}"))
    if not isinstance(facts, dict):
        raise CheckpointError(
            f"The LoRA {path.name} has {facts!r:.40} as its metadata, which must be an object of "
            "settings: get the LoRA again."
        )
    special = [
        name
        for name in facts
        if re.search("alpha_pattern|use_dora|use_rslora", name) and facts[name]
    ]
    if special:
        raise CheckpointError(
            f"The LoRA {path.name} has {special[0]}, which is not read here: use a plain LoRA."
        )
    names = {"unet": "unet.lora_alpha", "text_encoder": "text_encoder.lora_alpha"}
    alphas = {network: facts[name] for network, name in names.items() if name in facts}
    for alpha in alphas.values():
        if isinstance(alpha, bool) or not isinstance(alpha, int | float):
            raise CheckpointError(
                f"The LoRA {path.name} has {alpha!r:.40} as its alpha, which must be a number: "
                "get the LoRA again."
            )
    return {network: float(alpha) for network, alpha in alphas.items()}


@torch.no_grad()
def _add(layer: nn.Linear | nn.Conv2d, part: dict[str, Tensor], scale: float, name: str) -> None:
    """W + scale * alpha / rank * up @ down; alpha is the rank where the file has none."""
    weight, down, up = layer.weight, part["down"].float(), part["up"].float()
    if "alpha" in part and part["alpha"].numel() != 1:
        shape = tuple(part["alpha"].shape)
        raise CheckpointError(f"{name}: its alpha is {shape}, not one number: get the LoRA again.")
    try:
        rank = len(down)
        alpha = part["alpha"].item() if "alpha" in part else rank
        change = scale * alpha / rank * (up.flatten(1) @ down.flatten(1)).view(weight.shape)
    except (RuntimeError, IndexError, TypeError, ZeroDivisionError):
        raise CheckpointError(
            f"{name} is {tuple(up.shape)} x {tuple(down.shape)}, but the layer's weight is "
            f"{tuple(weight.shape)}: use a LoRA that was made for Stable Diffusion 1.x."
        ) from None
    if not change.isfinite().all():
        raise CheckpointError(
            f"{name} holds numbers that are infinite or not a number: get the LoRA again."
        )
    weight.copy_((weight.float() + change).to(weight.dtype))
