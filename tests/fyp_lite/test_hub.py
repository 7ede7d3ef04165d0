"""Finding, announcing and fetching files: a cache of the hub's layout, and a hub of our own."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_server import BIG, COMMIT, FILES, SOURCE, serve
from huggingface_hub import constants

from fyp_lite.files.hashes import CheckpointError
from fyp_lite.full.hub import Source, ask, fetch, locate
from fyp_lite.full.sources import (
    CHECKPOINT,
    FOLLOW_YOUR_POSE,
    STABLE_DIFFUSION,
    FullSources,
    find_files,
)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub, in its own layout."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put(cache: Path, repository: str, commit: str, files: dict[str, bytes]) -> Path:
    folder = cache / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs/main").write_text(commit)
    for name, content in files.items():
        path = folder / "snapshots" / commit / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "snapshots" / commit


# ---------------------------------------------------------------------------- without a network


def test_a_cache_is_found_by_branch_and_by_commit(cache):
    snapshot = put(cache, "someone/poses", COMMIT, FILES)
    for name in ("someone/poses", "someone/poses@main", f"someone/poses@{COMMIT}"):
        found = locate(Source(name, SOURCE.wanted))
        assert (found.folder, found.commit) == (snapshot, COMMIT)
        assert found.files == (CHECKPOINT, "pose_encoder.pth")
    assert locate(Source("someone/poses@" + "f" * 40, SOURCE.wanted)) is None


def test_an_incomplete_cache_counts_as_none(cache):
    put(cache, "someone/poses", COMMIT, {"pose_encoder.pth": b"pose"})
    assert locate(SOURCE) is None


def test_safetensors_go_before_older_formats(tmp_path):
    wanted = (("a.safetensors", "a.bin"), ("b.safetensors", "b.bin"))
    for name in ("a.safetensors", "a.bin", "b.bin"):
        (tmp_path / name).touch()
    assert locate(Source(str(tmp_path), wanted)).files == ("a.safetensors", "b.bin")


def test_names_that_are_none(tmp_path):
    with pytest.raises(CheckpointError, match="neither a folder"):
        locate(Source("checkpoints/some/where", (("a",),)))
    with pytest.raises(CheckpointError, match=r"has no pose_encoder\.pth"):
        locate(Source(str(tmp_path), (("pose_encoder.pth",),)))


def test_a_base_or_a_lora_that_is_not_there_is_told_before_anything_is_fetched(cache, tmp_path):
    for given, message in (
        ({"base": "toon.safetensors"}, "The base 'toon.safetensors' is not there"),
        ({"loras": (("style.safetensors", 1.0),)}, "The LoRA 'style.safetensors' is not there"),
        ({"loras": ((str(tmp_path), 1.0),)}, "The LoRA .* is not there"),
    ):
        with pytest.raises(CheckpointError, match=message):
            find_files(FullSources(**given), download=True, say=pytest.fail)


def test_nothing_is_fetched_without_leave(cache):
    with pytest.raises(CheckpointError) as error:
        find_files(FullSources())
    for fact in (
        "5.1 GB",
        "7.5 GB of disk",
        "CreativeML OpenRAIL-M",
        "--download",
        "YueMafighting",
    ):
        assert fact in str(error.value)
    assert not cache.exists()


def test_the_published_files_in_a_cache_need_no_network(cache):
    commit = STABLE_DIFFUSION.split("@")[1]
    names = FullSources().repositories()["stable_diffusion"].wanted
    put(cache, "CompVis/stable-diffusion-v1-4", commit, {name[0]: b"" for name in names})
    put(cache, FOLLOW_YOUR_POSE.split("@")[0], COMMIT, FILES)
    found = find_files(FullSources(), download=True, say=pytest.fail)
    assert found["stable_diffusion"].commit == commit
    assert found["follow_your_pose"].commit == COMMIT


# ---------------------------------------------------------------------------- with a hub


@pytest.fixture
def hub(cache, monkeypatch):
    with serve() as (handler, address):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield handler


def downloads(hub) -> list[str]:
    return [path for path, _ in hub.requests if "/resolve/" in path]


def test_an_offer_says_size_and_licence_and_fetches_nothing(hub, cache):
    offer = ask(SOURCE)
    assert offer.missing_bytes == len(BIG) + len(b"pose")
    assert (offer.commit, offer.licence) == (COMMIT, "a-licence")
    assert "someone/poses at 0123456789ab: 0.00 GB to download (2 files)" in str(offer)
    assert downloads(hub) == []


def test_only_wanted_files_are_fetched(hub, cache):
    found = fetch(ask(SOURCE))
    assert (found.folder / CHECKPOINT).read_bytes() == BIG
    assert found.commit == COMMIT
    assert locate(SOURCE) == found
    assert not (found.folder / "unwanted.bin").exists()
    assert ask(SOURCE).missing_bytes == 0


def test_a_broken_download_goes_on_where_it_stopped(hub, cache, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 65536)  # what is written at a time
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the client's own attempts
    hub.cut = 300_000
    with pytest.raises(CheckpointError, match="did not finish.*start it again"):
        fetch(ask(SOURCE))
    assert locate(SOURCE) is None
    hub.cut = None
    hub.requests.clear()
    found = fetch(ask(SOURCE))
    assert (found.folder / CHECKPOINT).read_bytes() == BIG
    starts = [asked for _, asked in hub.requests if asked]
    assert len(starts) == 1
    assert 200_000 < int(starts[0].removeprefix("bytes=").split("-")[0]) <= 300_000


def test_a_file_that_is_not_what_was_announced_is_thrown_away(hub, cache):
    hub.digest = "f" * 64
    with pytest.raises(CheckpointError, match="damaged on its way"):
        fetch(ask(SOURCE))
    assert locate(SOURCE) is None
    assert not list(cache.rglob("*.part"))


def test_what_the_hub_does_not_have_is_one_sentence(hub, cache):
    with pytest.raises(CheckpointError, match="does not answer for someone/else"):
        ask(Source("someone/else", SOURCE.wanted))
    with pytest.raises(CheckpointError, match=r"has no missing\.bin"):
        ask(Source("someone/poses", (("missing.bin",),)))


def test_no_room_is_told_before_the_download(hub, cache, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    said = []
    repositories = {"follow_your_pose": SOURCE}
    monkeypatch.setattr(FullSources, "repositories", lambda self: repositories)
    with pytest.raises(CheckpointError, match="GB free, but the download needs"):
        find_files(FullSources(), download=True, say=said.append)
    assert "licence: a-licence" in said[0]
    assert downloads(hub) == []
