"""What we use of other packages is there, and means what we take it to mean.

The first test finds by itself what the packages import. The others are for what no
documentation promises: private modules, arguments and attributes that came or went with a version.
Each says what to do when it fails. The file needs nothing but the installed package, so that
`make matrix` runs it in every environment.
"""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

OURS = ("fyp_lite", "fyp_world", "fyp_course")
# Modules that are private or undocumented, and whose use a test below watches more closely.
WATCHED = {"torch._subclasses.fake_tensor", "torch.utils._python_dispatch", "torch.utils._pytree"}


def advice(what: str, package: str, users: str, instead: str = "") -> str:
    """The message of a failed test: what is gone, where it is used, and what to do."""
    version = importlib.metadata.version(package)
    successor = instead or f"look for its successor in {package}'s release notes"
    return (
        f"{what} is gone or changed in {package} {version}, and {users} uses it: {successor}, so "
        "that old and new versions work, or bound the version in pyproject.toml if it is not one "
        "that Colab preinstalls. Then run `make matrix`."
    )


# ---------------------------------------------------------------------------- all imports


def our_files() -> Iterator[tuple[Path, str]]:
    """Every module of ours, as (path, a short name for messages)."""
    for name in OURS:
        spec = find_spec(name)
        for folder in spec.submodule_search_locations or () if spec else ():
            for path in sorted(Path(folder).rglob("*.py")):
                yield path, f"{name}/{path.relative_to(folder).as_posix()}"


def is_foreign(module: str) -> bool:
    top = module.partition(".")[0]
    return top not in OURS and top not in sys.stdlib_module_names and top != "__future__"


def chain(node: ast.Attribute) -> list[str]:
    """["a", "b", "c"] of `a.b.c`; [] where it does not begin with a name."""
    names: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        names.append(inner.attr)
        inner = inner.value
    return [inner.id, *reversed(names)] if isinstance(inner, ast.Name) else []


def foreign_names(path: Path) -> Iterator[tuple[str, str]]:
    """(module, dotted name in it) of what a file imports, and of what it takes from modules."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules: dict[str, str] = {}  # local name: module
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and is_foreign(node.module):
            for alias in node.names:
                yield node.module, alias.name
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in filter(lambda alias: is_foreign(alias.name), node.names):
                yield alias.name, ""
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                modules[alias.asname or whole] = whole
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (names := chain(node)):
            first, *rest = names
            if first in modules and is_module(modules[first]):
                yield modules[first], ".".join(rest)


def is_module(name: str) -> bool:
    try:
        return importlib.import_module(name) is not None
    except ImportError:
        return False


@cache
def all_names() -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path, name in our_files():
            for key in foreign_names(path):
                found.setdefault(key, []).append(name)
    return found


def missing(module: str, name: str) -> bool:
    """Whether `module` has no `name`; a module of an extra that is not installed lacks nothing."""
    if find_spec(module.partition(".")[0]) is None:
        return False
    try:
        value = importlib.import_module(module)
    except ImportError:
        return True
    for part in filter(None, name.split(".")):
        try:
            value = getattr(value, part)
        except AttributeError:
            try:
                value = importlib.import_module(f"{value.__name__}.{part}")
            except (ImportError, AttributeError):
                return True
        if not inspect.ismodule(value) and not inspect.isclass(value):
            return False  # what a value has is known only when the code runs
    return False


def distribution(module: str) -> str:
    top = module.partition(".")[0]
    return importlib.metadata.packages_distributions().get(top, [top])[0]


@pytest.mark.filterwarnings("ignore")
def test_everything_that_we_import_is_there():
    names = all_names()
    assert len(names) > 300  # the search itself works
    gone = [
        advice(f"{module}.{name}".rstrip("."), distribution(module), ", ".join(sorted(set(users))))
        for (module, name), users in names.items()
        if missing(module, name)
    ]
    assert not gone, "\n".join(gone)


def test_private_modules_are_watched_below():
    private = {m for m, _ in all_names() if any(part.startswith("_") for part in m.split("."))}
    new = private - WATCHED
    assert not new, (
        f"{', '.join(sorted(new))} is a private module: use a public one, or watch what you use of "
        "it with a test in this file and name it in WATCHED."
    )


# ---------------------------------------------------------------------------- arguments


ARGUMENTS = [
    ("diffusers.loaders.single_file_utils:convert_ldm_unet_checkpoint", "checkpoint config"),
    ("diffusers.loaders.single_file_utils:convert_ldm_vae_checkpoint", "checkpoint config"),
    ("diffusers.loaders.single_file_utils:convert_ldm_clip_checkpoint", "checkpoint"),
    ("diffusers.utils.torch_utils:randn_tensor", "shape generator device dtype"),
    ("diffusers.utils.accelerate_utils:apply_forward_hook", "method"),
    ("diffusers.models.embeddings:TimestepEmbedding", "in_channels time_embed_dim"),
    ("diffusers.models.embeddings:Timesteps", "num_channels flip_sin_to_cos downscale_freq_shift"),
    ("diffusers:DiffusionPipeline.enable_model_cpu_offload", "device"),
    ("diffusers:DiffusionPipeline.maybe_free_model_hooks", ""),
    ("diffusers:DiffusionPipeline.register_modules", ""),
    ("huggingface_hub:HfApi.model_info", "revision files_metadata timeout"),
    ("huggingface_hub:try_to_load_from_cache", "repo_id filename revision"),
    ("huggingface_hub:hf_hub_url", "repo_id filename revision"),
    (
        "huggingface_hub.file_download:http_get",
        "url temp_file resume_size headers expected_size displayed_filename",
    ),
    ("huggingface_hub.utils:build_hf_headers", ""),
    ("accelerate:Accelerator", "mixed_precision cpu kwargs_handlers"),
    ("accelerate.utils:DistributedDataParallelKwargs", "find_unused_parameters"),
    ("scipy.signal:sosfiltfilt", "sos x axis"),
    ("timm.optim:Muon", "lr weight_decay nesterov"),
    ("controlnet_aux.open_pose.util:transfer", "model model_weights"),
    ("controlnet_aux.open_pose.body:Body.format_body_result", "candidate subset"),
    ("distributed:LocalCluster", "n_workers threads_per_worker memory_limit dashboard_address"),
    (
        "jupyter_server.services.kernels.kernelmanager:AsyncMappingKernelManager.shutdown_kernel",
        "kernel_id now restart",
    ),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("where", "arguments"), ARGUMENTS)
def test_the_arguments_that_we_give_are_taken(where, arguments):
    module, _, name = where.partition(":")
    package = module.partition(".")[0]
    pytest.importorskip(package)
    users = sorted(
        {user for key, names in all_names().items() if key[0] == module for user in names}
    )
    value = importlib.import_module(module)
    for part in name.split("."):
        value = getattr(value, part, None)
    assert value is not None, advice(where, distribution(module), ", ".join(users))
    taken = inspect.signature(value).parameters
    lacks = [argument for argument in arguments.split() if argument not in taken]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
        lacks = []
    assert not lacks, advice(f"argument {lacks[0]} of {where}", distribution(module), str(users))


def test_voila_has_the_settings_that_close_the_public_page():
    pytest.importorskip("voila")
    from voila.app import Voila
    from voila.configuration import VoilaConfiguration
    from voila.execute import VoilaExecutor

    wanted = {
        Voila: "ip port port_retries open_browser config_file_paths tornado_settings",
        VoilaConfiguration: "strip_sources show_tracebacks file_allowlist allow_template_override "
        "allow_theme_override prelaunch_hook multi_kernel_manager_class",
        VoilaExecutor: "timeout",
    }
    gone = [
        f"{owner.__name__}.{name}"
        for owner, names in wanted.items()
        for name in names.split()
        if name not in owner.class_trait_names()
    ]
    assert not gone, advice(
        f"The setting {gone[0] if gone else ''}",
        "voila",
        "the public page (fyp_course/public/serve.py)",
        "find its new name, since an unknown setting is ignored and leaves the page open",
    )


# ---------------------------------------------------------------------------- PyAV


@pytest.fixture
def film(tmp_path) -> Path:
    """Five frames of H.264 whose title is not UTF-8."""
    import av
    from av.video.reformatter import Colorspace

    path = tmp_path / "film.mp4"
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = "caf?"
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.options = {"crf": "18"}
        stream.codec_context.colorspace = Colorspace.ITU601
        for shade in range(0, 250, 50):
            picture = np.full((32, 64, 3), shade, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes().replace(b"caf?", b"caf\xe9"))
    return path


def test_pyav_opens_what_we_open_and_tells_what_we_ask(film):
    from fyp_lite.opening import open_clip

    try:
        with open_clip(film) as clip:
            assert clip.read([0, 4]).shape == (2, 32, 64, 3)
        inspect_film(film)
    except (AttributeError, TypeError) as error:
        pytest.fail(
            advice(
                str(error),
                "av",
                "the decoder (decoding.py) or the writer (video.py)",
                "ask `av.__version__` there, as is done for metadata_errors, and run "
                "tests/fyp_lite/test_odd_videos.py with both versions",
            )
        )


def inspect_film(path: Path) -> None:
    import av

    old = int(av.__version__.split(".")[0]) < 19
    lenient = {"metadata_errors": "replace"} if old else {}
    with av.open(str(path), options={"format_whitelist": "mp4,mov"}, **lenient) as container:
        (stream,) = container.streams.video
        assert not stream.disposition & stream.disposition.attached_pic
        assert stream.guessed_rate == 10 and stream.frames == 5
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert [packet.is_keyframe for packet in packets] == [True] + [False] * 4
        assert not any(packet.is_discard or packet.is_corrupt for packet in packets)
        container.seek(0, stream=stream)
        frame = next(container.decode(video=0))
        assert frame.rotation == 0 and frame.pts == 0 and not frame.is_corrupt


def test_pyav_keeps_to_the_formats_that_are_allowed(film):
    import av

    with pytest.raises(av.FFmpegError):
        av.open(str(film), options={"format_whitelist": "matroska"}).close()


# ---------------------------------------------------------------------------- torch


def test_torch_counts_live_bytes_without_weights():
    """_subclasses, _python_dispatch, _pytree and _cdata: the memory estimate of the full model."""
    users = "the count of live bytes (footprint.py)"
    try:
        from torch._subclasses.fake_tensor import FakeTensorMode
        from torch.utils._python_dispatch import TorchDispatchMode
        from torch.utils._pytree import tree_leaves

        class Watch(TorchDispatchMode):
            seen: list[int] = []  # noqa: RUF012

            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                result = function(*args, **(kwargs or {}))
                leaves = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
                self.seen += [leaf.untyped_storage().nbytes() for leaf in leaves]
                return result

        with torch.no_grad(), FakeTensorMode(), Watch() as watch:
            layer = torch.nn.Linear(10, 20)
            result = layer(torch.empty(3, 10))
        assert 3 * 20 * 4 in watch.seen
        assert result.untyped_storage()._cdata == result[1:].untyped_storage()._cdata
        assert result.untyped_storage()._cdata != layer.weight.untyped_storage()._cdata
    except (ImportError, AttributeError, TypeError, AssertionError) as error:
        pytest.fail(advice(str(error), "torch", users))


def test_torch_counts_operations():
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        torch.nn.Linear(10, 20)(torch.empty(3, 10))
    assert counter.get_total_flops() == 2 * 3 * 10 * 20, advice(
        "get_total_flops", "torch", "the estimate of time (footprint.py)"
    )


# ---------------------------------------------------------------------------- networks' libraries


def test_diffusers_renames_the_tensors_of_single_files():
    utils = pytest.importorskip("diffusers.loaders.single_file_utils")
    tensor, prefix = torch.zeros(2), "cond_stage_model.transformer."
    inner = "text_model.final_layer_norm.weight"
    renamed = utils.convert_ldm_clip_checkpoint({prefix + inner: tensor})
    assert list(renamed) == [inner], advice(
        "convert_ldm_clip_checkpoint", "diffusers", "a base that is a single file (full.py)"
    )


def test_diffusers_ddim_has_what_our_step_reads():
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(rescale_betas_zero_snr=True, timestep_spacing="trailing")
    scheduler.set_timesteps(4)
    lacks = [
        name
        for name in ("alphas_cumprod", "final_alpha_cumprod", "timesteps", "init_noise_sigma")
        if not hasattr(scheduler, name)
    ]
    assert not lacks, advice(f"DDIMScheduler.{lacks}", "diffusers", "sampling.py")
    assert scheduler.timesteps[0] == 999 and float(scheduler.alphas_cumprod[-1]) == 0.0


@pytest.mark.filterwarnings("ignore")
def test_controlnet_aux_bodies_have_the_fields_that_we_read():
    body = pytest.importorskip("controlnet_aux.open_pose.body")
    assert {"keypoints", "total_score"} <= set(body.BodyResult._fields), advice(
        "BodyResult.keypoints or total_score", "controlnet_aux", "keypoints/openpose.py"
    )
    assert {"x", "y", "score"} <= set(body.Keypoint._fields), advice(
        "Keypoint.x, y or score", "controlnet_aux", "keypoints/openpose.py"
    )


# ---------------------------------------------------------------------------- widgets


def test_uploads_come_in_one_of_the_two_forms_that_we_read():
    import ipywidgets as widgets

    from_7 = widgets.FileUpload().value == {}
    from_8 = widgets.FileUpload().value == ()
    assert from_7 or from_8, advice(
        "FileUpload.value as a dict or a tuple", "ipywidgets", "the upload button (uploaded_files)"
    )
