#!/usr/bin/env bash
# Make skia-python importable: on Linux it needs the system's libEGL and libGL.
# Usage: scripts/setup_env.sh PYTHON     (a Python that has skia-python installed)
set -euo pipefail

python=$1
packages=(libegl1 libgl1)

if "$python" -c "import skia" 2>/dev/null; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
fi
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo "Installing ${packages[*]} for skia-python"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${packages[@]}"
fi

if ! reason=$("$python" -c "import skia" 2>&1); then
    echo "skia-python cannot be imported (${reason##*$'\n'}); on Debian and Ubuntu run" \
        "apt-get install -y ${packages[*]}, elsewhere install libEGL and libGL." >&2
    exit 1
fi
