"""Weights from others: tensors and nothing else, of the right shapes, finite, or one sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from fuzzing import answer, cases, changed_json, damaged, refused
from helpers import build_tiny_pipeline
from hypothesis import given
from hypothesis import strategies as st
from published_files import TINY, write_follow_your_pose, write_stable_diffusion
from safetensors.torch import load_file, save, save_file

from fyp_lite.full.convert import convert_full
from fyp_lite.full.lora import merge_lora
from fyp_lite.full.published import read_tensors
from fyp_lite.full.sources import CHECKPOINT, FullSources
from fyp_lite.loading import load_pipeline

TENSORS = {"a.weight": torch.arange(12.0).view(3, 4), "b": torch.zeros(2, dtype=torch.float16)}
PARTS = ("unet", "pose_encoder", "vae", "text_encoder")


def torch_file(content: object, zipped: bool) -> bytes:
    data = io.BytesIO()
    torch.save(content, data, _use_new_zipfile_serialization=zipped)
    return data.getvalue()


class Code:
    """Would write a file when a careless reader unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("weights")


# ---------------------------------------------------------------------------- single files


@cases(30, 1500)
@given(
    damaged(save(TENSORS)).map(lambda content: ("w.safetensors", content))
    | damaged(torch_file(TENSORS, True)).map(lambda content: ("w.bin", content))
    | damaged(torch_file(TENSORS, False)).map(lambda content: ("w.pth", content))
    | st.binary(max_size=99).map(lambda content: ("w.ckpt", content))
)
def test_damaged_files(folder, file):
    name, content = file
    (folder / name).write_bytes(content)
    tensors = answer("weights", lambda: read_tensors(folder / name))
    assert refused(tensors) or all(isinstance(t, torch.Tensor) for t in tensors.values())


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("where", ["alone", "among tensors", "deep"])
def test_code_in_a_file_never_runs(folder, tmp_path, zipped, where):
    code = Code(tmp_path / "it ran")
    content = {"alone": code, "among tensors": TENSORS | {"c": code}, "deep": {"x": [{"y": code}]}}
    (folder / "code.bin").write_bytes(torch_file(content[where], zipped))
    error = answer("weights", lambda: read_tensors(folder / "code.bin"))
    assert refused(error) and "would run code" in str(error)
    (folder / "plain.pkl").write_bytes(pickle.dumps(code))
    assert refused(answer("weights", lambda: read_tensors(folder / "plain.pkl")))
    assert not (tmp_path / "it ran").exists()


@pytest.mark.parametrize("size", [10**9, 2**40, 2**62, -1])
def test_a_header_that_promises_too_much(folder, size):
    header = {"a": {"dtype": "F32", "shape": [size], "data_offsets": [0, 4 * size]}}
    text = json.dumps(header).encode()
    (folder / "huge.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 99)
    assert refused(answer("weights", lambda: read_tensors(folder / "huge.safetensors")))


def test_a_small_archive_of_giant_tensors(folder):
    source = io.BytesIO(torch_file(TENSORS, True))
    bomb_file = zipfile.ZipFile(folder / "bomb.bin", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(source) as whole, bomb_file as bomb:
        for name in whole.namelist():
            giant = name.endswith("data/0")
            bomb.writestr(name, bytes(200_000_000) if giant else whole.read(name))
    answer("weights", lambda: read_tensors(folder / "bomb.bin"))


# ---------------------------------------------------------------------------- a model's folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    model = tmp_path_factory.mktemp("model") / "whole"
    build_tiny_pipeline(["a", "panda"]).save_pretrained(model)
    return model


CONFIGS = [f"{part}/config.json" for part in PARTS]
JSONS = [
    *CONFIGS,
    "model_index.json",
    "scheduler/scheduler_config.json",
    "tokenizer/tokenizer.json",
]


def check_model(folder: Path) -> None:
    """It loads, and then paints or says why not."""
    load = {"device": "cpu", "dtype": torch.float32}
    pipeline = answer("model folders", lambda: load_pipeline(folder, **load))
    if not refused(pipeline):
        assert all(
            p.isfinite().all() for part in PARTS for p in getattr(pipeline, part).parameters()
        )
        assert not any(p.is_meta for part in PARTS for p in getattr(pipeline, part).parameters())


@cases(5, 400)
@given(st.data())
def test_folders_with_a_setting_changed(whole, folder, data):
    name = data.draw(st.sampled_from(JSONS))
    fields = data.draw(changed_json(json.loads((whole / name).read_text())))
    model = shutil.copytree(whole, folder / "changed", dirs_exist_ok=True)
    (model / name).write_text(json.dumps(fields))
    check_model(model)


@cases(5, 300)
@given(st.data())
def test_folders_with_damaged_weights(whole, folder, data):
    part = data.draw(st.sampled_from(PARTS))
    model = shutil.copytree(whole, folder / "damaged", dirs_exist_ok=True)
    path = next((model / part).glob("*.safetensors"))
    tensors = load_file(path)
    key = data.draw(st.sampled_from(sorted(tensors)))
    odd = data.draw(st.sampled_from(["bytes", "nan", "inf", "missing", "shape", "extra", "gone"]))
    if odd == "bytes":
        path.write_bytes(data.draw(damaged(path.read_bytes())))
    elif odd == "gone":
        path.unlink()
    else:
        value = tensors.pop(key)
        if odd != "missing":
            tensors[key] = value.flatten()[:-1].clone() if odd == "shape" else value
        if odd in ("nan", "inf"):
            tensors[key].flatten()[0] = float(odd)
        if odd == "extra":
            tensors["extra.weight"] = torch.zeros(2)
        save_file(tensors, path, metadata={"format": "pt"})
    check_model(model)
    if odd not in ("bytes", "extra"):
        assert refused(answer("model folders", lambda: load_pipeline(model)))


def test_code_in_a_folder_never_runs(whole, tmp_path):
    model = shutil.copytree(whole, tmp_path / "model")
    ran = tmp_path / "it ran"
    (model / "unet/evil.py").write_text(f"import os; os.mkdir({str(ran)!r})\nclass Net: pass\n")
    index = json.loads((model / "model_index.json").read_text())
    for library in ("evil", "antigravity", "fyp_lite_evil"):
        fields = index | {"unet": [library, "Net"]}
        (model / "model_index.json").write_text(json.dumps(fields))
        assert refused(answer("model folders", lambda: load_pipeline(model)))
    (model / "model_index.json").write_text(json.dumps(index))
    for part in PARTS:
        path = next((model / part).glob("*.safetensors"))
        torch.save({"a": Code(ran)}, path.with_suffix(".bin"))
        path.unlink()
        assert refused(answer("model folders", lambda: load_pipeline(model)))
    assert not ran.exists()


# ---------------------------------------------------------------------------- published files


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    write_follow_your_pose(folder / "fyp", TINY["unet"])
    write_stable_diffusion(folder / "sd", TINY)
    return folder


@cases(2, 150)
@given(st.data())
def test_published_files_that_are_damaged(published, folder, data):
    sources = shutil.copytree(published, folder / "published", dirs_exist_ok=True)
    names = [f"fyp/{CHECKPOINT}", "fyp/pose_encoder.pth", "sd/text_encoder/config.json"]
    names += ["sd/unet/config.json", "sd/vae/config.json", "sd/text_encoder/pytorch_model.bin"]
    path = sources / data.draw(st.sampled_from(names))
    if path.suffix == ".json":
        path.write_text(json.dumps(data.draw(changed_json(json.loads(path.read_text())))))
    else:
        path.write_bytes(data.draw(damaged(path.read_bytes())))
    out = folder / "out"
    given = FullSources(str(sources / "sd"), str(sources / "fyp"))
    made = answer("published files", lambda: convert_full(out, given, say=lambda line: None))
    assert [p.name for p in folder.iterdir() if "out" in p.name] == (
        [] if refused(made) else ["out"]
    )
    shutil.rmtree(out, ignore_errors=True)


@cases(10, 300)
@given(
    st.dictionaries(
        st.sampled_from(["lora_unet_conv_in", "unet.conv_in", "conv_in", "lora_te_x", "x"]).flatmap(
            lambda name: st.sampled_from(
                [f"{name}.lora_up.weight", f"{name}.lora_down.weight", f"{name}.alpha", name]
            )
        ),
        st.sampled_from(
            [
                *(torch.zeros(16, 2), torch.zeros(2, 72), torch.tensor(2.0), torch.zeros(0, 4)),
                *(torch.full((2, 72), float("nan")), torch.zeros(3, 3, 3)),
            ]
        ),
        min_size=1,
        max_size=3,
    ),
    st.dictionaries(
        st.sampled_from(["lora_adapter_metadata", "x"]),
        st.sampled_from(
            ["", "{", "[]", '{"unet.lora_alpha": "x"}', '{"unet.lora_alpha": null}', "1"]
        ),
    ),
)
def test_loras(folder, tensors, facts):
    unet = torch.nn.ModuleDict({"conv_in": torch.nn.Conv2d(8, 16, 3)})
    save_file(
        {key: value.clone() for key, value in tensors.items()}, folder / "l.safetensors", facts
    )
    before = unet["conv_in"].weight.clone()
    networks = {"unet": unet, "text_encoder": torch.nn.ModuleDict()}
    changed = answer("weights", lambda: merge_lora(networks, folder / "l.safetensors", 1.0))
    assert unet["conv_in"].weight.isfinite().all()
    assert not refused(changed) or torch.equal(unet["conv_in"].weight, before)
