"""Files of exactly the published layout with random weights, at any size."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from fyp_lite.full.published import networks_from_published_config, to_published_keys

TINY = {
    "unet": {
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": [*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"],
        "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3],
        "block_out_channels": [16, 24, 32, 32],
        "layers_per_block": 2,
        "attention_head_dim": 4,
        "cross_attention_dim": 32,
        "norm_num_groups": 8,
        "norm_eps": 1e-5,
    },
    "vae": {
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "block_out_channels": [8, 8, 8, 8],
        "norm_num_groups": 4,
        "latent_channels": 4,
        "sample_size": 64,
    },
    "text_encoder": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    },
}
FULL = {
    "unet": TINY["unet"]
    | {
        "sample_size": 64,
        "block_out_channels": [320, 640, 1280, 1280],
        "attention_head_dim": 8,
        "cross_attention_dim": 768,
        "norm_num_groups": 32,
    },
    "vae": TINY["vae"]
    | {
        "block_out_channels": [128, 256, 512, 512],
        "layers_per_block": 2,
        "norm_num_groups": 32,
        "sample_size": 512,
    },
    "text_encoder": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "vocab_size": 49408,
    },
}
VAE_OLD_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def published_state(config: dict[str, Any], seed: int = 0) -> dict[str, Tensor]:
    """The checkpoint's tensors under their published names."""
    torch.manual_seed(seed)
    networks = networks_from_published_config(config)
    return to_published_keys(*(network.state_dict() for network in networks))


def write_follow_your_pose(folder: Path, config: dict[str, Any], seed: int = 0) -> None:
    """The checkpoint, and the pose encoder in PyTorch's older file format."""
    state = published_state(config, seed)
    (folder / "followyourpose_checkpoint-1000").mkdir(parents=True)
    torch.save(state, folder / "followyourpose_checkpoint-1000/pytorch_model.bin")
    prefix = "skeleton_adapter."
    pose = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    torch.save(pose, folder / "pose_encoder.pth", _use_new_zipfile_serialization=False)


def write_stable_diffusion(
    folder: Path, configs: dict[str, Any], seed: int = 1, unet: bool = False
) -> None:
    """Text encoder, autoencoder and tokenizer as Stable Diffusion 1.4 has them, with old names."""
    torch.manual_seed(seed)
    for name, config in configs.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps(config))
    vae = AutoencoderKL(**configs["vae"]).state_dict()
    torch.save({old_vae_name(k): v for k, v in vae.items()}, weights(folder, "vae", "bin"))
    text = CLIPTextModel(CLIPTextConfig(**text_config(configs))).state_dict()
    text = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in text.items()}
    text["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    torch.save(text, folder / "text_encoder/pytorch_model.bin")
    (folder / "text_encoder/config.json").write_text(json.dumps(text_config(configs)))
    write_tokenizer(folder / "tokenizer")
    if unet:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = UNet2DConditionModel(**configs["unet"])
        save_file(network.state_dict(), weights(folder, "unet", "safetensors"))


def weights(folder: Path, part: str, ending: str) -> Path:
    return folder / part / f"diffusion_pytorch_model.{ending}"


def old_vae_name(key: str) -> str:
    for new, old in VAE_OLD_NAMES.items():
        key = key.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
    return key


def text_config(configs: dict[str, Any]) -> dict[str, Any]:
    ids = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "model_type": "clip_text_model"}
    return {"vocab_size": 600, "hidden_act": "quick_gelu"} | ids | configs["text_encoder"]


def write_tokenizer(folder: Path) -> None:
    """CLIP's byte-level tokenizer with a single merge."""
    folder.mkdir()
    letters = [chr(code) for code in range(33, 127)]
    tokens = [*letters, *(letter + "</w>" for letter in letters), "pa", "<|startoftext|>"]
    vocabulary = {token: i for i, token in enumerate([*tokens, "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\np a\n")
    facts = {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    facts |= {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    facts |= {"pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(facts))


def write_single_file(path: Path, folder: Path) -> None:
    """A base in diffusers' layout as one file under Stable Diffusion's original names."""
    tensors = {}
    for key, value in load_file(weights(folder, "unet", "safetensors")).items():
        tensors["model.diffusion_model." + original_unet_name(key)] = value
    vae = torch.load(weights(folder, "vae", "bin"), weights_only=True)
    for key, value in vae.items():
        key = original_vae_name(key)
        if re.search(r"attn_1\.(q|k|v|proj_out)\.weight", key):
            value = value[:, :, None, None]  # a 1 x 1 convolution there
        tensors["first_stage_model." + key] = value
    text = torch.load(folder / "text_encoder/pytorch_model.bin", weights_only=True)
    tensors |= {f"cond_stage_model.transformer.{key}": value for key, value in text.items()}
    tensors["betas"] = torch.zeros(1000)  # of the original sampler, of no use
    save_file(tensors, path)


def original_unet_name(key: str) -> str:
    def down(found: re.Match) -> str:
        block, kind, layer = int(found[1]), found[2], int(found[3])
        number = 3 * block + layer + 1
        if kind == "downsamplers":
            return f"input_blocks.{3 * block + 3}.0.op"
        return f"input_blocks.{number}.{0 if kind == 'resnets' else 1}"

    def up(found: re.Match) -> str:
        block, kind, layer = int(found[1]), found[2], int(found[3])
        if kind == "upsamplers":
            return f"output_blocks.{3 * block + 2}.{1 if block == 0 else 2}.conv"
        return f"output_blocks.{3 * block + layer}.{0 if kind == 'resnets' else 1}"

    key = re.sub(r"down_blocks\.(\d)\.(\w+)\.(\d)(?:\.conv(?=\.))?", down, key)
    key = re.sub(r"up_blocks\.(\d)\.(\w+)\.(\d)(?:\.conv(?=\.))?", up, key)
    names = {
        r"^time_embedding\.linear_1": "time_embed.0",
        r"^time_embedding\.linear_2": "time_embed.2",
        r"^conv_in": "input_blocks.0.0",
        r"^conv_norm_out": "out.0",
        r"^conv_out": "out.2",
        r"^mid_block\.resnets\.0": "middle_block.0",
        r"^mid_block\.attentions\.0": "middle_block.1",
        r"^mid_block\.resnets\.1": "middle_block.2",
    }
    if "transformer_blocks" not in key:
        names |= {
            r"(?<=\d)\.norm1\.": ".in_layers.0.",
            r"(?<=\d)\.conv1\.": ".in_layers.2.",
            r"(?<=\d)\.norm2\.": ".out_layers.0.",
            r"(?<=\d)\.conv2\.": ".out_layers.3.",
            r"\.time_emb_proj\.": ".emb_layers.1.",
            r"\.conv_shortcut\.": ".skip_connection.",
        }
    for ours, original in names.items():
        key = re.sub(ours, original, key)
    return key


def original_vae_name(key: str) -> str:
    names = {
        r"encoder\.down_blocks\.(\d)\.resnets\.": r"encoder.down.\1.block.",
        r"down_blocks\.(\d)\.downsamplers\.0": r"down.\1.downsample",
        r"up_blocks\.(\d)\.upsamplers\.0": lambda found: f"up.{3 - int(found[1])}.upsample",
        r"up_blocks\.(\d)\.resnets\.": lambda found: f"up.{3 - int(found[1])}.block.",
        r"mid_block\.resnets\.0": "mid.block_1",
        r"mid_block\.resnets\.1": "mid.block_2",
        r"mid_block\.attentions\.0": "mid.attn_1",
        r"\.conv_shortcut\.": ".nin_shortcut.",
        r"conv_norm_out": "norm_out",
        r"\.group_norm\.": ".norm.",
        r"\.query\.": ".q.",
        r"\.key\.": ".k.",
        r"\.value\.": ".v.",
        r"\.proj_attn\.": ".proj_out.",
    }
    for ours, original in names.items():
        key = re.sub(ours, original, key)
    return key
