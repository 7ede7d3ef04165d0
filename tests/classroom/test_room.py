"""The shared machine: learners at the real hub get a video, and the room's settings are kept."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urlencode

import pytest
from traitlets.config import Config

ROOT = Path(__file__).resolve().parents[2]
CLASSROOM = ROOT / "notebooks" / "classroom"
CONFIG = CLASSROOM / "jupyterhub_config.py"
USERS = int(os.environ.get("FYP_LITE_TEST_USERS", "2"))


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, CLASSROOM / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rehearse = load("rehearse")
take_seat = load("take_seat")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    folder = tmp_path_factory.mktemp("room")
    settings = {"FYP_LITE_SEATS": "9", "FYP_LITE_CPUS": "1"}
    with rehearse.Hub(folder, settings) as hub:
        yield hub


@pytest.mark.slow
def test_learners_at_the_same_moment_all_get_their_videos(hub):
    names = [f"seat{seat:02}" for seat in range(1, USERS + 1)]
    report = rehearse.rehearse(hub, names)  # raises where a cell fails or a kernel is killed
    print(report)
    for name in names:
        assert (hub.folder / "seats" / name / "my_video.mp4").stat().st_size > 1000
    assert report["seconds_to_first_video"]["max"] <= report["seconds_to_end"]["max"]
    assert 0 < report["pss_mb_kernel_idle"]["max"] < report["pss_mb_peak"]["max"] < 2000


@pytest.mark.slow
def test_a_seat_has_its_limits_and_keeps_its_kernel_when_it_meets_them(hub):
    learner = rehearse.Learner(hub, "seat09")
    learner.log_in()
    learner.start_kernel()
    learner.run("import os; assert os.environ['OMP_NUM_THREADS'] == '1'")
    # How threads wait is said in one place, which imports before torch.
    learner.run("import fyp_lite; assert os.environ['GOMP_SPINCOUNT'] == '10000'")
    learner.run("from fyp_course.seats import seat; assert seat() == 9")
    learner.run("kept = 1")
    with pytest.raises(rehearse.RehearsalError, match="MemoryError"):
        learner.run("bytearray(3 * 2**30)")
    learner.run("assert kept == 1")
    learner.stop()


@pytest.mark.slow
def test_a_link_fetches_the_notebooks_and_a_stranger_stays_outside(hub, tmp_path):
    repository = tmp_path / "kit"
    git = ["git", "-c", "user.name=kit", "-c", "user.email=kit@localhost", "-C", str(repository)]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", repository], check=True)
    (repository / "lesson.ipynb").write_text("{}")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "a lesson"], check=True)

    learner = rehearse.Learner(hub, "seat08")
    learner.log_in()
    query = urlencode({"repo": repository.as_uri(), "branch": "main", "targetpath": "fyp-lite"})
    assert "git-pull" in learner.get(f"{hub.url}/hub/user-redirect/git-pull?{query}").url
    told = learner.get(f"{learner.home}/git-pull/api?{query}").text
    assert '"phase": "finished"' in told
    assert (hub.folder / "seats" / "seat08" / "fyp-lite" / "lesson.ipynb").read_text() == "{}"
    learner.stop()

    for stranger in ("seat10", "teacher"):  # neither a seat of this room nor a known user
        with pytest.raises(rehearse.RehearsalError, match="was not let in: 403"):
            rehearse.Learner(hub, stranger).log_in()


@pytest.mark.slow
def test_a_server_that_nobody_uses_is_stopped_and_its_files_stay(hub):
    """By the hub's own culler with its own rights, only less patient."""
    learner = rehearse.Learner(hub, "seat07")
    learner.log_in()
    culler = next(p for p in hub.process.children() if "jupyterhub_idle_culler" in p.cmdline())
    command = culler.cmdline()
    assert command[-2:] == ["--timeout=3600", "--cull-every=300"]
    command[-2:] = ["--timeout=3", "--cull-every=1"]
    hasty = subprocess.Popen(command, env=culler.environ(), stderr=subprocess.DEVNULL)
    try:
        rehearse.wait_for(lambda: "seat07" not in hub.memory(), 120, "the idle server still runs")
    finally:
        hasty.terminate()
        hasty.wait()
    assert (hub.folder / "seats" / "seat07" / "00_quickstart.ipynb").is_file()


def test_notebooks_are_copied_once_and_never_over_a_learners_own(tmp_path):
    source, folder = tmp_path / "notebooks", tmp_path / "seat01"
    source.mkdir()
    folder.mkdir()
    for name in ("00_a.ipynb", "01_b.ipynb", "README.md"):
        (source / name).write_text("ours")
    (folder / "00_a.ipynb").write_text("the learner's")
    assert take_seat.copy_notebooks(source, folder) == [folder / "01_b.ipynb"]
    assert (folder / "00_a.ipynb").read_text() == "the learner's"
    assert sorted(path.name for path in folder.iterdir()) == ["00_a.ipynb", "01_b.ipynb"]
    assert take_seat.copy_notebooks(source, folder) == []


def read_config(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> Config:
    """What the configuration sets in such an environment."""
    given = {"FYP_LITE_PASSWORD": "long enough", "FYP_LITE_ROOM": str(folder)} | settings
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["jupyterhub", "--Spawner.args=--allow-root"])
    config = Config()
    source = {"get_config": lambda: config, "__file__": str(CONFIG), "__name__": "config"}
    exec(compile(CONFIG.read_text(encoding="utf-8"), CONFIG, "exec"), source)
    return config


def test_the_login_page_says_what_a_seat_is_called(tmp_path, monkeypatch):
    config = read_config(tmp_path, monkeypatch, {"FYP_LITE_SEATS": "12"})
    assert "seat01 to seat12" in config.JupyterHub.template_vars["announcement_login"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"FYP_LITE_PASSWORD": "short"}, "FYP_LITE_PASSWORD has 5 characters"),
        ({"FYP_LITE_PASSWORD": ""}, "FYP_LITE_PASSWORD has 0 characters"),
        ({"FYP_LITE_TEACHER_PASSWORD": "short"}, "give 32 or more"),
        ({"FYP_LITE_SEATS": "many"}, "FYP_LITE_SEATS is 'many'; give a whole number from 1 to 999"),
        ({"FYP_LITE_IDLE": "5"}, "FYP_LITE_IDLE is '5'; give a whole number from 15 to 10000"),
        ({"FYP_LITE_CPUS": "0"}, "FYP_LITE_CPUS is '0'"),
        ({"FYP_LITE_MEMORY": "2 GB"}, "FYP_LITE_MEMORY is '2 GB'; give a number with M or G"),
        ({"FYP_LITE_SPAWNER": "docker"}, "FYP_LITE_SPAWNER is 'docker'; give local or systemd"),
        ({"FYP_LITE_ROOM": "/dev/null/room"}, "/dev/null/room cannot be made"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(settings, sentence, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match="^The classroom cannot start: ") as refusal:
        read_config(tmp_path, monkeypatch, settings)
    assert sentence in str(refusal.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers are refused")
def test_root_gets_one_sentence_and_no_servers_that_run_as_root(tmp_path):
    given = {"FYP_LITE_PASSWORD": "long enough", "FYP_LITE_ROOM": str(tmp_path)}
    command = [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG)]
    run = subprocess.run(
        command, env=os.environ | given, capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1 and "every learner would be root" in run.stderr


def test_every_setting_of_the_configuration_is_one_that_the_programs_know(tmp_path, monkeypatch):
    """As systemd's spawner cannot run in a test, its settings are at least its own."""
    from jupyterhub.app import JupyterHub
    from jupyterhub.authenticators.shared import SharedPasswordAuthenticator
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import SimpleLocalProcessSpawner
    from systemdspawner import SystemdSpawner

    config = read_config(tmp_path, monkeypatch, {"FYP_LITE_TEACHER_PASSWORD": "x" * 32})
    owners = (
        *(JupyterHub, SharedPasswordAuthenticator, ConfigurableHTTPProxy),
        *(SimpleLocalProcessSpawner, SystemdSpawner),
    )
    known = {(c.__name__, t) for o in owners for c in o.__mro__ if hasattr(c, "class_trait_names")
             for t in c.class_trait_names(config=True)}  # fmt: skip
    asked = {(name, trait) for name, section in config.items() for trait in section}
    assert asked - known == set()
    assert ("SystemdSpawner", "dynamic_users") in asked


def test_nobody_is_asked_about_news_in_the_middle_of_a_lesson(tmp_path, monkeypatch):
    given = read_config(tmp_path, monkeypatch, {}).Spawner.environment
    command = [sys.executable, "-m", "jupyterlab.labextensions", "list"]
    listed = subprocess.run(
        command, env=os.environ | given, capture_output=True, text=True, check=True
    )
    disabled = (listed.stdout + listed.stderr).partition("Disabled extensions:")[2]
    assert "@jupyterlab/apputils-extension:announcements" in disabled
