"""Loading the published model from files of its exact layout, small and with random weights."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from published_files import (
    TINY,
    published_state,
    write_follow_your_pose,
    write_single_file,
    write_stable_diffusion,
)
from safetensors.torch import load_file, save_file

from fyp_lite import data_dir
from fyp_lite.cards.card import RunCard, make_card
from fyp_lite.cli.main import main
from fyp_lite.files.hashes import CheckpointError, file_hash, verify_hashes
from fyp_lite.full.convert import convert_full
from fyp_lite.full.lora import merge_lora
from fyp_lite.full.published import (
    TEMPORAL_LAYERS,
    TRAINED_LAYERS,
    load_published,
    read_tensors,
    to_published_keys,
)
from fyp_lite.full.sources import CHECKPOINT, FullSources, assemble, find_files
from fyp_lite.loading import load_pipeline
from fyp_lite.request import Request
from fyp_lite.settings import SampleSettings


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A folder with sd/ (1.4), other/ (another base) and fyp/ (the published files)."""
    folder = tmp_path_factory.mktemp("published")
    write_follow_your_pose(folder / "fyp", TINY["unet"])
    write_stable_diffusion(folder / "sd", TINY)
    write_stable_diffusion(folder / "other", TINY, seed=2, unet=True)
    return folder


@pytest.fixture(scope="module")
def sources(published) -> FullSources:
    return FullSources(str(published / "sd"), str(published / "fyp"))


@pytest.fixture(scope="module")
def converted(published, sources) -> Path:
    return convert_full(published / "out/full", sources, dtype=torch.float32, say=lambda line: None)


def build(sources: FullSources):
    return assemble(find_files(sources), sources, torch.float32)


def unet_and_pose(pipeline) -> dict[str, torch.Tensor]:
    networks = (pipeline.unet, pipeline.pose_encoder)
    return to_published_keys(*(network.state_dict() for network in networks))


def assert_same(ours: dict, theirs: dict) -> None:
    assert ours.keys() == theirs.keys()
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


# ---------------------------------------------------------------------------- loading


def test_every_published_tensor_arrives(published, converted):
    pipeline = load_pipeline(converted, device="cpu", dtype=torch.float32)
    assert_same(unet_and_pose(pipeline), read_tensors(published / "fyp" / CHECKPOINT))
    text = read_tensors(published / "sd/text_encoder/pytorch_model.bin")
    loaded = pipeline.text_encoder.state_dict()
    name = "encoder.layers.1.self_attn.q_proj.weight"
    key = next(key for key in loaded if key.endswith(name))
    assert torch.equal(loaded[key], text[f"text_model.{name}"])
    vae = read_tensors(published / "sd/vae/diffusion_pytorch_model.bin")
    query = "encoder.mid_block.attentions.0"
    loaded = pipeline.vae.state_dict()[f"{query}.to_q.weight"]
    assert torch.equal(loaded, vae[f"{query}.query.weight"])


def test_the_converted_model_makes_a_video_at_its_own_defaults(converted):
    pipeline = load_pipeline(converted, device="cpu", dtype=torch.float32)
    settings = SampleSettings(num_inference_steps=2)
    assert pipeline.size == 64
    assert pipeline.guidance_scale(settings) == 12.5
    assert pipeline.scheduler.config.prediction_type == "epsilon"
    assert pipeline.tokenizer.model_max_length == 77
    assert pipeline.unknown_words("a zebra") == {}
    skeleton = np.zeros((3, 64, 64, 3), np.uint8)
    pipeline.set_progress_bar_config(disable=True)
    assert pipeline("a panda", skeleton, settings).video.shape == (3, 64, 64, 3)


def test_half_precision_is_the_default(tmp_path, sources):
    folder = convert_full(tmp_path / "full", sources, say=lambda line: None)
    for part in ("unet", "pose_encoder", "vae"):
        tensors = load_file(folder / part / "diffusion_pytorch_model.safetensors")
        assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}


def test_full_is_the_converted_folder(converted, monkeypatch):
    monkeypatch.setenv("FYP_LITE_HOME", str(converted.parent))
    assert load_pipeline("full", device="cpu").size == 64
    assert Path(load_pipeline("full", device="cpu").name_or_path) == converted


def test_the_folder_says_what_it_was_made_from(published, converted):
    record = json.loads((converted / "sources.json").read_text())
    hashes = record["sources"]["follow_your_pose"]["files"]
    assert hashes[CHECKPOINT] == file_hash(published / "fyp" / CHECKPOINT)
    assert set(hashes) == {CHECKPOINT, "pose_encoder.pth"}
    assert record["dtype"] == "float32"
    verify_hashes(converted)
    assert not any(str(published) in path.read_text() for path in converted.rglob("*.json"))


def test_one_settings_object_and_a_card_for_each_twin(converted, tiny_pipeline):
    full = load_pipeline(converted, device="cpu", dtype=torch.float32)
    video = np.zeros((8, 64, 64, 3), np.uint8)
    request = Request("a panda", str(data_dir() / "clips/dance.mp4"))
    cards = [make_card(pipeline, request, video, 1.0) for pipeline in (full, tiny_pipeline)]
    scales = [card.request.sample_settings.guidance_scale for card in cards]
    assert scales == [12.5, 3.0]  # each model's own; all else is the same
    one, other = (card.request.changed({"guidance_scale": None, "model": "-"}) for card in cards)
    assert one == other
    assert [card.made.model for card in cards] == ["full", "unsaved"]
    assert RunCard.from_json(cards[0].to_json()) == cards[0]
    # The recorded hashes are those of the files.
    (converted / "hashes.json").rename(converted / "kept")
    again = make_card(full, request, video, 1.0)
    assert again.made.weights_hash == cards[0].made.weights_hash
    (converted / "kept").rename(converted / "hashes.json")


# ---------------------------------------------------------------------------- another base


def test_a_base_gives_what_the_paper_did_not_train(published, sources):
    base = FullSources(sources.stable_diffusion, sources.follow_your_pose, str(published / "other"))
    ours = unet_and_pose(build(base))
    theirs = read_tensors(published / "fyp" / CHECKPOINT)
    other = load_file(published / "other/unet/diffusion_pytorch_model.safetensors")
    from_paper = (*TEMPORAL_LAYERS, *TRAINED_LAYERS, "skeleton_adapter.")
    counts = {"paper": 0, "base": 0}
    for key, value in ours.items():
        trained = any(layer in key for layer in from_paper)
        counts["paper" if trained else "base"] += 1
        assert torch.equal(value, (theirs if trained else other)[key]), key
    # 38 of the pose encoder, 9 temporal and 2 queries in each of 16 blocks
    assert counts == {"paper": 38 + 16 * 11, "base": 686 - 32}


def test_a_single_file_is_the_same_base(published, sources, tmp_path):
    folder = FullSources(
        sources.stable_diffusion, sources.follow_your_pose, str(published / "other")
    )
    write_single_file(tmp_path / "other.safetensors", published / "other")
    single = FullSources(
        sources.stable_diffusion, sources.follow_your_pose, str(tmp_path / "other.safetensors")
    )
    one, other = build(folder), build(single)
    for part in ("unet", "vae", "text_encoder"):
        assert_same(getattr(one, part).state_dict(), getattr(other, part).state_dict())


def test_a_base_of_another_kind_is_refused(published, sources, tmp_path):
    config = TINY["unet"] | {"cross_attention_dim": 48}
    write_stable_diffusion(tmp_path / "sd2", TINY | {"unet": config}, unet=True)
    wrong = FullSources(sources.stable_diffusion, sources.follow_your_pose, str(tmp_path / "sd2"))
    with pytest.raises(CheckpointError, match=r"of another shape 32.*attn2\.to_k"):
        build(wrong)
    save_file({"lora_up.weight": torch.zeros(1)}, tmp_path / "lora.safetensors")
    wrong = FullSources(
        *(sources.stable_diffusion, sources.follow_your_pose), str(tmp_path / "lora.safetensors")
    )
    with pytest.raises(CheckpointError, match="not a whole Stable Diffusion 1"):
        build(wrong)


# ---------------------------------------------------------------------------- wrong files


def test_tensors_too_few_too_many_or_of_another_shape(published):
    state = published_state(TINY["unet"])
    pose = read_tensors(published / "fyp/pose_encoder.pth")
    load_published(state, TINY["unet"], pose_encoder=pose)
    for change, message in (
        (lambda s: s.pop("conv_out.bias"), r"missing 1.*conv_out\.bias is missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "left over 1.*extra is not a part"),
        (lambda s: s.update({"conv_out.bias": torch.zeros(9)}), r"\(9,\) instead of \(4,\)"),
        (lambda s: s["conv_out.bias"].fill_(torch.nan), "not a number"),
    ):
        changed = {key: value.clone() for key, value in state.items()}
        change(changed)
        with pytest.raises(CheckpointError, match=message):
            load_published(changed, TINY["unet"])
    with pytest.raises(CheckpointError, match="FollowYourPoseUNet.*|PoseEncoder.*left over 1"):
        load_published(state, TINY["unet"], pose_encoder=pose | {"body.9.bias": torch.zeros(1)})
    without = {k: v for k, v in state.items() if not k.startswith("skeleton_adapter.")}
    _, encoder = load_published(without, TINY["unet"], pose_encoder=pose)
    assert torch.equal(encoder.state_dict()["conv_in.bias"], pose["conv_in.bias"])


class Malicious:
    """Unpickling it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps(TINY["unet"] | {"use_linear_projection": True})]
)
def test_a_configuration_of_another_model_is_refused(sources, tmp_path, text):
    write_stable_diffusion(tmp_path / "sd", TINY)
    (tmp_path / "sd/unet/config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"not the configuration of a Stable Diffusion 1\.x"):
        build(FullSources(str(tmp_path / "sd"), sources.follow_your_pose))


def test_damaged_and_dangerous_files_are_one_sentence(published, tmp_path):
    whole = (published / "fyp" / CHECKPOINT).read_bytes()
    files = {
        "cut.bin": (whole[: len(whole) // 2], "cut short at"),
        "empty.bin": (b"", "cut short at 0 bytes"),
        "page.bin": (b"<html>not found</html>", "damaged"),
        "pointer.bin": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        "cut.safetensors": (b"\x10\0\0\0\0\0\0\0{", "damaged"),
    }
    for name, (content, message) in files.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            read_tensors(tmp_path / name)
    with pytest.raises(CheckpointError, match="is not there"):
        read_tensors(tmp_path / "nothing.bin")
    torch.save([1, 2], tmp_path / "list.bin")
    with pytest.raises(CheckpointError, match="no tensors by name"):
        read_tensors(tmp_path / "list.bin")


@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_file_is_never_run(tmp_path, new_format):
    made = tmp_path / "made"
    torch.save(
        {"a": Malicious(made)}, tmp_path / "a.bin", _use_new_zipfile_serialization=new_format
    )
    with pytest.raises(CheckpointError, match=r"would run code \(\w+\.mkdir\)"):
        read_tensors(tmp_path / "a.bin")
    assert not made.exists()


# ---------------------------------------------------------------------------- converting


def test_an_interrupted_conversion_leaves_nothing(tmp_path, sources, monkeypatch):
    def interrupt(folder):
        assert (folder / "model_index.json").is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr("fyp_lite.full.convert.write_hashes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        convert_full(tmp_path / "full", sources, say=lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_kept(converted, sources):
    before = file_hash(converted / "model_index.json")
    with pytest.raises(CheckpointError, match="is there already"):
        convert_full(converted, sources)
    assert file_hash(converted / "model_index.json") == before


def test_a_full_disk_is_told_before_writing(tmp_path, sources, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(CheckpointError, match=r"0\.0 GB free"):
        convert_full(tmp_path / "full", sources, say=lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path, sources, capsys):
    options = ["--stable-diffusion", sources.stable_diffusion]
    options += ["--follow-your-pose", sources.follow_your_pose]
    assert main(["convert", *options, "--out", str(tmp_path / "full")]) == 0
    assert str(tmp_path / "full") in capsys.readouterr().out
    assert main(["convert", "--follow-your-pose", str(tmp_path), *options[:2]]) == 2
    error = capsys.readouterr().err
    assert "has no followyourpose_checkpoint-1000/pytorch" in error and error.count("\n") == 1


# ---------------------------------------------------------------------------- LoRA


def low_rank(rows: int, columns: int, rank: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(rows, rank), torch.randn(rank, columns)


LORA_NAMES = {
    "kohya": ("lora_unet_{_}", ".lora_up.weight", ".lora_down.weight"),
    "diffusers": ("unet.{.}", ".lora.up.weight", ".lora.down.weight"),
    "peft": ("unet.{.}", ".lora_B.weight", ".lora_A.weight"),
    "processor": ("{p}", "_lora.up.weight", "_lora.down.weight"),
}
ATTENTION = "down_blocks.1.attentions.0.transformer_blocks.0.attn2"


@pytest.mark.parametrize("form", LORA_NAMES)
def test_lora_adds_its_low_rank_product(sources, tmp_path, form):
    pipeline = build(sources)
    pattern, up_name, down_name = LORA_NAMES[form]
    name = pattern.replace("{_}", f"{ATTENTION}.to_q".replace(".", "_"))
    name = name.replace("{.}", f"{ATTENTION}.to_q").replace("{p}", f"{ATTENTION}.processor.to_q")
    up, down = low_rank(24, 24)
    tensors = {name + up_name: up, name + down_name: down}
    alpha = 2.0
    if form == "kohya":
        alpha = tensors[name + ".alpha"] = torch.tensor(1.0)
    save_file(tensors, tmp_path / "style.safetensors")
    before = {key: value.clone() for key, value in pipeline.unet.state_dict().items()}
    networks = {"unet": pipeline.unet, "text_encoder": pipeline.text_encoder}
    assert merge_lora(networks, tmp_path / "style.safetensors", 0.5) == 1
    after = pipeline.unet.state_dict()
    changed = f"{ATTENTION}.to_q.weight"
    torch.testing.assert_close(after[changed], before[changed] + 0.5 * alpha / 2 * up @ down)
    assert [key for key in after if not torch.equal(after[key], before[key])] == [changed]


def test_lora_reaches_text_encoder_and_convolutions(sources, tmp_path):
    layers = {
        "lora_te_text_model_encoder_layers_0_self_attn_q_proj": ((32, 2), (2, 32)),
        "lora_unet_down_blocks_0_attentions_0_proj_in": ((16, 2, 1, 1), (2, 16, 1, 1)),
        "lora_unet_down_blocks_0_resnets_0_conv1": ((16, 2, 1, 1), (2, 16, 3, 3)),
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0": ((32, 2), (2, 32)),
    }
    tensors = {}
    for name, (up, down) in layers.items():
        tensors[name + ".lora_up.weight"] = torch.randn(up)
        tensors[name + ".lora_down.weight"] = torch.randn(down)
    save_file(tensors, tmp_path / "all.safetensors")
    plain = build(sources)
    path = str(tmp_path / "all.safetensors")
    styled = build(
        FullSources(sources.stable_diffusion, sources.follow_your_pose, loras=((path, 1.0),))
    )
    differ = []
    for part in ("unet", "text_encoder"):
        before, after = (getattr(p, part).state_dict() for p in (plain, styled))
        differ += [key for key in after if not torch.equal(before[key], after[key])]
    assert len(differ) == 4
    conv = "down_blocks.0.resnets.0.conv1.weight"
    up, down = (
        tensors[f"lora_unet_down_blocks_0_resnets_0_conv1.lora_{n}.weight"] for n in ("up", "down")
    )
    product = torch.einsum("or,rihw->oihw", up[:, :, 0, 0], down)
    expected = plain.unet.state_dict()[conv] + product
    torch.testing.assert_close(styled.unet.state_dict()[conv], expected)


def test_lora_alpha_in_the_header(sources, tmp_path):
    pipeline = build(sources)
    up, down = low_rank(24, 24)
    tensors = {
        f"unet.{ATTENTION}.to_q.lora_B.weight": up,
        f"unet.{ATTENTION}.to_q.lora_A.weight": down,
    }
    facts = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": 8, "unet.r": 2})}
    save_file(tensors, tmp_path / "style.safetensors", facts)
    weight = pipeline.unet.get_submodule(f"{ATTENTION}.to_q").weight
    before = weight.clone()
    merge_lora({"unet": pipeline.unet}, tmp_path / "style.safetensors", 1.0)
    torch.testing.assert_close(weight, before + 4 * up @ down)


def test_lora_that_does_not_fit_is_named(sources, tmp_path):
    networks = {"unet": build(sources).unet, "text_encoder": torch.nn.Identity()}
    path = tmp_path / "wrong.safetensors"
    for tensors, message in (
        ({"lora_unet_nowhere.lora_up.weight": torch.zeros(1)}, r"1 tensors that fit.*nowhere"),
        ({f"unet.{ATTENTION}.to_q.hada_w1_a": torch.zeros(1)}, "hada_w1_a.*LoHa"),
        ({f"unet.{ATTENTION}.to_q.lora_A.weight": torch.zeros(2, 24)}, "without both halves"),
        (
            {
                f"unet.{ATTENTION}.to_q.lora_A.weight": torch.zeros(2, 99),
                f"unet.{ATTENTION}.to_q.lora_B.weight": torch.zeros(24, 2),
            },
            r"\(24, 2\) x \(2, 99\).*\(24, 24\)",
        ),
    ):
        save_file(tensors, path)
        with pytest.raises(CheckpointError, match=message):
            merge_lora(networks, path, 1.0)
