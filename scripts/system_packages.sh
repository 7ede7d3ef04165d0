#!/usr/bin/env bash
# Install Debian packages where a command says that they are missing.
# Usage: scripts/system_packages.sh WHAT_FOR COMMAND PACKAGE...
set -euo pipefail

what_for=$1 command=$2 packages=("${@:3}")

if bash -c "$command" &>/dev/null; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
fi
if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo "Installing ${packages[*]} for $what_for"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y "${packages[@]}"
fi

if ! reason=$(bash -c "$command" 2>&1); then
    echo "$what_for is not there (${reason##*$'\n'}); on Debian and Ubuntu run" \
        "apt-get install -y ${packages[*]}, elsewhere install what they hold." >&2
    exit 1
fi
