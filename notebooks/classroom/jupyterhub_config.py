"""JupyterHub for a room: one machine, a seat for every learner. The guide is README.md beside it.

Read by `jupyterhub --config notebooks/classroom/jupyterhub_config.py` (`make classroom`). What may
differ from room to room comes from the environment:

FYP_LITE_PASSWORD          what learners type beside their seat's name; 8 characters or more
FYP_LITE_TEACHER_PASSWORD  of the user `teacher`, who sees and stops all servers; 32 or more
FYP_LITE_SEATS             learners, 30: seat01 … seat30
FYP_LITE_ROOM              folder of the room's files, ~/fyp-lite-room (systemd: /srv/fyp-lite-room)
FYP_LITE_MEMORY            limit for one learner, 2G
FYP_LITE_CPUS              processors for one learner, 2
FYP_LITE_IDLE              minutes without activity until a server is stopped, 60
FYP_LITE_SPAWNER           `local` (a rehearsal) or `systemd` (a shared machine), local
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

CLASSROOM = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
SPAWNERS = {"local": "simple", "systemd": "systemd"}  # names that the packages registered


def stop(problem: str) -> None:
    """End the hub with one sentence instead of a traceback."""
    sys.exit(f"The classroom cannot start: {problem}")


def number(name: str, default: int, least: int, most: int) -> int:
    """A whole number from `least` to `most`, from the environment."""
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        stop(f"{name} is {text!r}; give a whole number from {least} to {most}.")
    return int(text)


password = os.environ.get("FYP_LITE_PASSWORD", "")
if len(password) < 8:
    stop(f"FYP_LITE_PASSWORD has {len(password)} characters; export one of 8 or more.")
teacher_password = os.environ.get("FYP_LITE_TEACHER_PASSWORD", "")
if 0 < len(teacher_password) < 32:
    stop(
        f"FYP_LITE_TEACHER_PASSWORD has {len(teacher_password)} characters; give 32 or more "
        "(openssl rand -hex 16), or none for a room without a teacher's account."
    )
spawner = os.environ.get("FYP_LITE_SPAWNER", "local")
if spawner not in SPAWNERS:
    stop(f"FYP_LITE_SPAWNER is {spawner!r}; give {' or '.join(SPAWNERS)}.")
if spawner == "systemd" and not (Path("/run/systemd/system").is_dir() and os.geteuid() == 0):
    stop("FYP_LITE_SPAWNER is systemd, which needs a machine run by systemd, and root (sudo -E).")
if spawner == "local" and os.geteuid() == 0 and "--allow-root" not in " ".join(sys.argv):
    stop("every learner would be root; start it as another user, or set FYP_LITE_SPAWNER=systemd.")
memory = os.environ.get("FYP_LITE_MEMORY", "2G")
if not re.fullmatch(r"[1-9]\d*[MG]", memory, re.ASCII):
    stop(f"FYP_LITE_MEMORY is {memory!r}; give a number with M or G, such as 2G.")
seats = number("FYP_LITE_SEATS", 30, 1, 999)
processors = number("FYP_LITE_CPUS", 2, 1, 1024)
idle_minutes = number("FYP_LITE_IDLE", 60, 15, 10_000)  # activity is told every 5 minutes only
default_room = "/srv/fyp-lite-room" if spawner == "systemd" else "~/fyp-lite-room"
room = Path(os.environ.get("FYP_LITE_ROOM", default_room)).expanduser().resolve()
hub, cards = room / "hub", room / "cards"
try:
    hub.mkdir(0o700, parents=True, exist_ok=True)
    cards.mkdir(exist_ok=True)
    cards.chmod(0o1777)  # as /tmp: everybody adds, nobody removes what is another's
except OSError as error:
    stop(f"{room} cannot be made ({error.strerror}); name another folder in FYP_LITE_ROOM.")

c = get_config()  # type: ignore[name-defined]  # noqa: F821  JupyterHub puts it here

# ---------------------------------------------------------------------------- the hub

c.JupyterHub.db_url = f"sqlite:///{hub}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(hub / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(hub / "proxy.pid")
c.ConfigurableHTTPProxy.command = [str(BIN / "configurable-http-proxy")]
c.JupyterHub.cleanup_servers = True  # a hub that ends takes its learners' servers along
c.JupyterHub.concurrent_spawn_limit = 10  # thirty starts at once would only wait for each other

# ---------------------------------------------------------------------------- who may enter

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = password
c.Authenticator.allowed_users = {f"seat{seat:02}" for seat in range(1, seats + 1)}
c.JupyterHub.template_vars = {
    "announcement_login": f"Your user name is that of your seat: seat01 to seat{seats:02}."
}
if teacher_password:
    c.Authenticator.admin_users = {"teacher"}
    c.SharedPasswordAuthenticator.admin_password = teacher_password

# ---------------------------------------------------------------------------- a learner's server

c.JupyterHub.spawner_class = SPAWNERS[spawner]
c.SimpleLocalProcessSpawner.home_dir_template = str(room / "seats" / "{username}")
c.Spawner.cmd = [sys.executable, str(CLASSROOM / "take_seat.py")]
c.Spawner.default_url = "/lab/tree/00_quickstart.ipynb"
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # when everybody comes at once
c.Spawner.mem_limit = memory
c.Spawner.cpu_limit = processors
c.Spawner.environment = {
    # torch would otherwise take a thread for every processor of the machine, for every learner.
    # How threads wait, so that neighbours are not held up, is `fyp_lite.threads`' to say.
    "OMP_NUM_THREADS": str(processors),
    "FYP_LITE_CARDS": str(cards),
    # Nobody is asked about Jupyter's news, and a message to a kernel may have 256 MB, not 10: what
    # is larger, such as a file in a core FileUpload, would be dropped without a word.
    "JUPYTER_CONFIG_PATH": str(CLASSROOM / "jupyter"),
}

# A system user of its own for every seat, made and removed by systemd, with limits by cgroups.
c.SystemdSpawner.dynamic_users = True
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.readwrite_paths = [str(cards)]

# ---------------------------------------------------------------------------- the idle culler

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [
            *(sys.executable, "-m", "jupyterhub_idle_culler"),
            *(f"--timeout={60 * idle_minutes}", "--cull-every=300"),
        ],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
