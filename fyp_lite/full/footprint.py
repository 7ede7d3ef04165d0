"""What a run takes, counted before it: bytes that live at once, and operations.

The real code runs under PyTorch's FakeTensorMode, where tensors have shapes and no contents, and
the bytes of all tensors alive at a time are summed. Figures for a GPU are computed in this way too.
What the count does not see: the libraries themselves and the work space of single kernels.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from transformers import CLIPTextConfig, CLIPTextModel

from fyp_lite.denoising import TRAINED_FRAMES, through_windows
from fyp_lite.model.attention import CrossFrameAttention, FeedForward
from fyp_lite.model.pose_encoder import PoseEncoder
from fyp_lite.model.unet import FollowYourPoseUNet
from fyp_lite.pipeline import FollowYourPosePipeline, decode_frames, encode_frames


class LiveBytes(TorchDispatchMode):
    """Sums the bytes of all storages that are alive, from the operation that makes each on.

    `live` is the sum now, `peak` its maximum; the weights of `networks` are left out. Counts fake
    and real tensors alike.
    """

    def __init__(self, *networks: nn.Module) -> None:
        super().__init__()
        self.live = self.peak = 0
        weights = (tensor for network in networks for tensor in network.state_dict().values())
        self._known = {tensor.untyped_storage()._cdata for tensor in weights}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._watch(leaf.untyped_storage())
        return result

    def _watch(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:  # a view, or written in place
            return
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size


@dataclass(frozen=True, eq=False)
class Blueprint:
    """How to build a pipeline's networks; enough to count memory and work without weights.

    parts: makers of "unet", "pose_encoder", "vae" and "text_encoder".
    window: frames of the clips that the network was trained on.
    """

    parts: dict[str, Callable[[], nn.Module]]
    window: int = TRAINED_FRAMES
    _built: dict[torch.dtype, tuple[FakeTensorMode, dict[str, Any]]] = field(
        default_factory=dict, repr=False
    )

    def fakes(self, dtype: torch.dtype) -> tuple[FakeTensorMode, dict[str, Any]]:
        """The networks without contents, and the mode in which to run them."""
        if dtype not in self._built:
            mode = FakeTensorMode()
            usual = torch.get_default_dtype()
            torch.set_default_dtype(dtype)
            try:
                with mode:
                    networks = {name: make().eval() for name, make in self.parts.items()}
            finally:
                torch.set_default_dtype(usual)
            self._built[dtype] = mode, networks
        return self._built[dtype]


# The published model: Follow Your Pose on Stable Diffusion 1.4, whose sizes these are.
FULL = Blueprint(
    {
        "unet": FollowYourPoseUNet,
        "pose_encoder": PoseEncoder,
        "vae": partial(
            AutoencoderKL,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            sample_size=512,
        ),
        "text_encoder": partial(
            CLIPTextModel,
            CLIPTextConfig(
                hidden_size=768,
                intermediate_size=3072,
                num_attention_heads=12,
                projection_dim=768,
            ),
        ),
    }
)

_blueprints: WeakKeyDictionary[FollowYourPosePipeline, Blueprint] = WeakKeyDictionary()


def blueprint(pipeline: FollowYourPosePipeline) -> Blueprint:
    """Of a pipeline that is loaded."""
    if pipeline not in _blueprints:
        networks: tuple[Any, ...] = (pipeline.unet, pipeline.pose_encoder, pipeline.vae)
        names = ("unet", "pose_encoder", "vae")
        parts: dict[str, Callable[[], nn.Module]] = {
            name: _maker(network) for name, network in zip(names, networks, strict=True)
        }
        kind: Any = type(pipeline.text_encoder)
        parts["text_encoder"] = partial(kind, pipeline.text_encoder.config)
        _blueprints[pipeline] = Blueprint(parts, pipeline.config.num_frames)
    return _blueprints[pipeline]


def _maker(network: Any) -> Callable[[], nn.Module]:
    """Makes a diffusers network as this one was made."""
    kind: Any = type(network)
    names = inspect.signature(kind.__init__).parameters.keys()
    return partial(kind, **{key: value for key, value in network.config.items() if key in names})


def set_chunking(unet: nn.Module, on: bool) -> None:
    """Let attention over pictures and feed-forward take one frame at a time, or all together."""
    for module in unet.modules():
        if isinstance(module, CrossFrameAttention | FeedForward):
            module.frames_at_once = 1 if on else None


def set_tiling(vae: Any, latent_size: int) -> None:
    """Let an autoencoder decode tiles of half a picture's height and width, which overlap.

    Raises:
        ValueError: it has no tiling.
    """
    if not hasattr(vae, "enable_tiling"):
        raise ValueError(
            f"{type(vae).__name__} has no tiling, and needs none: use slicing, which decodes one "
            "frame at a time."
        )
    vae.enable_tiling()
    factor = vae.tile_sample_min_size // vae.tile_latent_min_size
    vae.tile_latent_min_size = latent_size // 2
    vae.tile_sample_min_size = latent_size // 2 * factor


def count_weights(model: Blueprint, dtype: torch.dtype) -> dict[str, int]:
    """Bytes of the weights of each network."""
    _, networks = model.fakes(dtype)
    return {name: sum(p.nbytes for p in part.parameters()) for name, part in networks.items()}


@contextmanager
def _counting(model: Blueprint, dtype: torch.dtype, fused: bool) -> Iterator[LiveBytes]:
    """fused: whether attention has a kernel that keeps no scores."""
    kernels = [SDPBackend.FLASH_ATTENTION] * fused + [SDPBackend.MATH]
    mode, networks = model.fakes(dtype)
    with torch.no_grad(), sdpa_kernel(kernels), mode, LiveBytes(*networks.values()) as live:
        yield live


@lru_cache(maxsize=256)
def count_pose(model: Blueprint, dtype: torch.dtype, num_frames: int) -> tuple[int, int]:
    """Peak bytes of encoding a clip's pose, and those of the features that are kept of it."""
    _, networks = model.fakes(dtype)
    size = networks["unet"].config.sample_size * networks["pose_encoder"].config.patch
    with _counting(model, dtype, fused=True) as live:
        skeleton = torch.empty(num_frames, size, size, 3, dtype=torch.uint8)
        features = encode_frames(networks["pose_encoder"], skeleton, skeleton.device)
        return live.peak, sum(feature.nbytes for feature in features)


@lru_cache(maxsize=256)
def count_denoise(
    model: Blueprint,
    dtype: torch.dtype,
    num_frames: int,
    branches: int,
    chunking: bool,
    fused: bool,
) -> int:
    """Peak bytes of one step of a clip of at most one window, with its pose features."""
    set_chunking(model.fakes(dtype)[1]["unet"], chunking)
    with _counting(model, dtype, fused) as live:
        _step(model.fakes(dtype)[1], num_frames, branches, live)
        return live.peak


@lru_cache(maxsize=256)
def count_operations(model: Blueprint, dtype: torch.dtype, num_frames: int, branches: int) -> int:
    """Multiplications and additions of one step of a clip of at most one window."""
    set_chunking(model.fakes(dtype)[1]["unet"], False)
    # Written out, attention is counted as the matrix products that it is.
    with _counting(model, dtype, fused=False) as live, FlopCounterMode(display=False) as operations:
        _step(model.fakes(dtype)[1], num_frames, branches, live)
        return operations.get_total_flops()


def _step(networks: dict[str, Any], num_frames: int, branches: int, live: LiveBytes) -> None:
    """The step of a clip of one window; `live.peak` begins where its pose is known."""
    unet, pose_encoder = networks["unet"], networks["pose_encoder"]
    dtype = unet.dtype
    words = networks["text_encoder"].config.max_position_embeddings
    size, patch = unet.config.sample_size, pose_encoder.config.patch
    skeleton = (1, num_frames, 3, size * patch, size * patch)
    pose_features = pose_encoder(torch.empty(skeleton, dtype=dtype))
    live.peak = live.live  # to make them belongs to another phase
    latents = torch.empty(1, unet.config.in_channels, num_frames, size, size, dtype=torch.float32)
    text = torch.empty(branches, words, unet.config.cross_attention_dim, dtype=dtype)
    evaluate = through_windows(unet, num_frames, num_frames)
    evaluate(latents, torch.tensor(500), text, pose_features)


@lru_cache(maxsize=256)
def count_decode(
    model: Blueprint, dtype: torch.dtype, frames_at_once: int, tiling: bool, fused: bool
) -> int:
    """Peak bytes of decoding so many frames together, with the pictures that come of it."""
    _, networks = model.fakes(dtype)
    vae, config = networks["vae"], networks["unet"].config
    if tiling:
        set_tiling(vae, config.sample_size)
    with _counting(model, dtype, fused) as live:
        size = config.sample_size
        latents = torch.empty(frames_at_once, config.in_channels, size, size, dtype=torch.float32)
        decode_frames(vae, latents, frames_at_once)
        peak = live.peak
    if tiling:
        vae.disable_tiling()
    return peak
