#!/bin/sh
# Installs from this folder, without a network: sh install.sh [FOLDER]
for python in python@PYTHON@ python3 python; do
    if "$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null
    then exec "$python" "$(dirname "$0")/install.py" "$@"
    fi
done
echo "install: this bundle needs Python @PYTHON@, which is not here: install it, or ask for a" \
    "bundle made for another version." >&2
exit 2
