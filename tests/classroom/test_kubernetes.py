"""The values for Zero to JupyterHub: they load, and every key is one that the chart has.

No cluster and no chart is at hand in a test: the keys were read in the chart's values.schema.yaml,
which refuses any other.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = {
    "hub": {"config", "concurrentSpawnLimit", "consecutiveFailureLimit"},
    "singleuser": {
        *("image", "defaultUrl", "storage", "lifecycleHooks", "memory", "cpu", "extraEnv"),
        "startTimeout",
    },
    "singleuser.image": {"name", "tag", "pullPolicy", "pullSecrets"},
    "singleuser.storage": {"type", "homeMountPath", "capacity", "dynamic", "static"},
    "singleuser.lifecycleHooks": {"postStart", "preStop"},
    "singleuser.memory": {"limit", "guarantee"},
    "singleuser.cpu": {"limit", "guarantee"},
    "prePuller": {"hook", "continuous"},
    "prePuller.hook": {"enabled", "pullOnlyOnChanges"},
    "prePuller.continuous": {"enabled"},
    "scheduling": {"userScheduler", "podPriority", "userPlaceholder", "corePods", "userPods"},
    "scheduling.userScheduler": {"enabled", "replicas"},
    "scheduling.podPriority": {"enabled", "globalDefault", "defaultPriority"},
    "scheduling.userPlaceholder": {"enabled", "replicas"},
    "cull": {"enabled", "users", "timeout", "every", "maxAge", "concurrency"},
}
FREE = ("hub.config", "singleuser.extraEnv", "singleuser.lifecycleHooks.postStart")


@pytest.fixture(scope="module")
def values() -> dict:
    text = (ROOT / "notebooks" / "classroom" / "zero-to-jupyterhub.yaml").read_text("utf-8")
    return yaml.safe_load(text)


def sections(values: dict, path: str = ""):
    """Every mapping in the values, by its path; not what lies in those that hold anything."""
    yield path, values
    for key, value in values.items():
        inner = f"{path}.{key}".lstrip(".")
        if isinstance(value, dict) and inner not in FREE:
            yield from sections(value, inner)


def test_every_key_is_one_of_the_charts(values):
    known = CHART | {"": {name for name in CHART if "." not in name}}
    for path, section in sections(values):
        assert set(section) <= known[path], path


def test_a_learner_gets_memory_threads_and_a_disk_that_hides_nothing(values):
    learner = values["singleuser"]
    assert learner["extraEnv"]["OMP_NUM_THREADS"] == str(learner["cpu"]["limit"])
    assert learner["storage"]["homeMountPath"].startswith("/home/jovyan/")
    (*_, script) = learner["lifecycleHooks"]["postStart"]["exec"]["command"]
    folder = script.split()[3]
    assert folder.startswith(learner["storage"]["homeMountPath"] + "/")
    assert learner["defaultUrl"].startswith(folder.replace("/home/jovyan", "/lab/tree"))


def test_no_password_is_in_the_file(values):
    assert "SharedPasswordAuthenticator" not in values["hub"]["config"]


def test_the_image_has_what_the_values_call():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert any(str(part).startswith("nbgitpuller") for part in environment["dependencies"])
