"""How each environment is built: what its users have, then what they do to get fyp-lite."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from interpreters import Interpreter, exactly, interpreters, nearest
from lessons import run_set_up

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
COLAB = Path(__file__).with_name("colab.txt")
COLAB_PYTHON = (3, 13)
CALLS = ROOT / "tests" / "project" / "test_dependencies.py"
# What conda calls otherwise than pip.
PIP_NAMES = {"pytorch": "torch"}


class RecipeError(Exception):
    """An environment could not be built; the message ends in what its installer said."""


@dataclass
class Environment:
    """An environment in `folder`, with the files of the lessons that run there.

    Attributes:
        prefix: what to write before a command that is to run there.
        python: its interpreter.
        variables: of every command there.
        kept: versions that nothing may change, by name of the distribution.
    """

    folder: Path
    prefix: tuple[str, ...]
    python: str
    variables: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    version: str = ""

    def run(self, *arguments: str) -> str:
        """Run its Python and return what it prints; RecipeError with the last lines if it fails."""
        command = [*self.prefix, self.python, *arguments]
        run = subprocess.run(
            command, cwd=self.folder, env=self.environ(), capture_output=True, text=True
        )
        if run.returncode:
            said = (run.stdout + run.stderr).strip().splitlines()[-15:]
            raise RecipeError("\n".join([f"{' '.join(arguments)[:300]} failed:", *said]))
        return run.stdout

    def pip_install(self, *arguments: str) -> None:
        self.run("-m", "pip", "install", "--quiet", *arguments)

    def environ(self) -> dict[str, str]:
        """This process's variables, without what would leak this process's packages into it."""
        leaks = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "JUPYTER_PATH"}
        inherited = {name: value for name, value in os.environ.items() if name not in leaks}
        path = f"{Path(self.python).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}"
        quiet = {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # old kernels warn of a debugger's limits
        return {**inherited, "PATH": path, **quiet, **self.variables}

    def versions(self) -> dict[str, str]:
        """Versions of all distributions, by name."""
        listed = json.loads(self.run("-m", "pip", "list", "--format=json"))
        return {entry["name"].lower().replace("_", "-"): entry["version"] for entry in listed}

    def changes(self) -> list[str]:
        """A sentence for each version that had to stay and did not."""
        now = self.versions()
        return [
            f"{name} was preinstalled as {version} and is now {now.get(name, 'gone')}."
            for name, version in self.kept.items()
            if now.get(name) != version
        ]


def make_venv(folder: Path, interpreter: Interpreter) -> Environment:
    """An empty environment of that Python, with pip alone."""
    bare = Environment(folder, interpreter.prefix, interpreter.path)
    bare.run("-m", "venv", str(folder / "venv"))
    environment = Environment(folder, interpreter.prefix, str(folder / "venv" / "bin" / "python"))
    environment.version = environment.run("-c", "import platform; print(platform.python_version())")
    environment.version = environment.version.strip()
    return environment


def snapshot(folder: Path) -> Path:
    """The project as it would be published: this tree's files, with no history."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    target = folder / "published"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():  # a deleted file is still listed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)
    return target


# ---------------------------------------------------------------------------- the four


def colab(folder: Path) -> Environment:
    """Colab: what is preinstalled there, then the set-up cell of the notebooks, in a kernel."""
    environment = make_venv(folder, exactly(COLAB_PYTHON, folder))
    environment.pip_install("-r", str(shutil.copy(COLAB, folder)))
    environment.kept = environment.versions()
    published = snapshot(folder)
    who = ["-c", "user.name=matrix", "-c", "user.email=matrix@localhost"]
    for git in (["init", "-q"], ["add", "-Af"], [*who, "commit", "-qm", "as it would be"]):
        subprocess.run(["git", *git], cwd=published, check=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # The set-up cell asks for the published repository; git is told that this is it.
    environment.variables |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{published}.insteadOf",
        "GIT_CONFIG_VALUE_0": project["urls"]["Repository"],
    }
    if fault := run_set_up(environment):
        raise RecipeError(f"the set-up cell stops: {fault}")
    return environment


def newest(folder: Path) -> Environment:
    """The newest Python at hand, and the newest of everything."""
    found = interpreters()
    environment = make_venv(folder, nearest(max(found, default=(3, 99)), found))
    environment.pip_install("--upgrade", "pip")
    environment.pip_install(f"{snapshot(folder)}[lab]")
    return environment


def conda(folder: Path) -> Environment:
    """environment.yml, by conda or, where there is none, what it names from pip."""
    published = snapshot(folder)
    text = (published / "environment.yml").read_text(encoding="utf-8")
    if program := next(filter(shutil.which, ("mamba", "conda")), None):
        place = folder / "conda"
        make = [program, "env", "create", "--quiet", "--prefix", str(place), "--file"]
        run = subprocess.run(
            [*make, str(published / "environment.yml")], capture_output=True, text=True
        )
        if run.returncode:
            raise RecipeError(f"{program} env create failed: {run.stderr[-1000:]}")
        environment = Environment(folder, (), str(place / "bin" / "python"))
        environment.version = f"{environment.run('-V').split()[1]} (conda)"
        return environment
    python, requirements = conda_as_pip(text)
    environment = make_venv(folder, nearest(python, interpreters()))
    names = [published.as_posix() + name[1:] if name[0] == "." else name for name in requirements]
    environment.pip_install(*names)
    return environment


def conda_as_pip(text: str) -> tuple[tuple[int, int], list[str]]:
    """The Python of an environment.yml, and its other packages as pip knows them."""
    entries = yaml.safe_load(text)["dependencies"]
    requirements = [
        requirement.removeprefix("-e ")
        for entry in entries
        for requirement in (entry["pip"] if isinstance(entry, dict) else [entry])
    ]
    python = next(entry for entry in requirements if entry.startswith("python="))
    requirements = [
        re.sub(r"^[\w-]+", lambda name: PIP_NAMES.get(name[0], name[0]), requirement)
        for requirement in requirements
        if requirement not in (python, "pip")
    ]
    major, minor = map(int, python.removeprefix("python=").split(".")[:2])
    return (major, minor), requirements


def lowest(folder: Path) -> Environment:
    """The oldest Python that is supported and at hand, and the lowest versions we ask for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = int(re.match(r">=3\.(\d+)$", project["requires-python"])[1])
    found = {version: one for version, one in interpreters().items() if version >= (3, oldest)}
    environment = make_venv(folder, nearest((3, oldest), found))
    environment.pip_install("uv")
    source = f"{snapshot(folder)}[lab,pose,sweep,train]"
    uv = ["-m", "uv", "pip", "install", "--quiet", "--python", environment.python]
    environment.run(*uv, "--resolution", "lowest-direct", source)
    return environment


RECIPES: dict[str, Callable[[Path], Environment]] = {
    "colab": colab,
    "newest": newest,
    "conda": conda,
    "lowest": lowest,
}


def check_calls(environment: Environment) -> list[str]:
    """Run the tests of the dependencies' calls there; a sentence for each that fails."""
    tools = environment.folder / "pytest"
    environment.pip_install("--target", str(tools), "pytest")
    environment.variables["PYTHONPATH"] = str(tools)
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(environment.folder)]
    try:
        environment.run("-m", "pytest", *options, str(shutil.copy(CALLS, environment.folder)))
    except RecipeError as error:
        return [str(error)]
    finally:
        del environment.variables["PYTHONPATH"]
    return []
