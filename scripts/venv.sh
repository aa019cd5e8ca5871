#!/bin/sh
# Make or bring up to date .venv: scripts/venv.sh runtime|dev
# The package is installed as a checkout, with the dependencies locked in requirements/.
set -eu

python=""
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed, and there is none on the PATH. Name one: make PYTHON=/path/to/python3.12" >&2
    exit 2
fi
if [ ! -x .venv/bin/python ]; then
    "$python" -c 'import ensurepip' 2>/dev/null || scripts/system-packages.sh python3-venv
    "$python" -m venv .venv
fi
pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
case "$1" in
runtime) pip install -q -r requirements/runtime.txt ;;
dev) pip install -q -r requirements/runtime.txt -r requirements/dev.txt ;;
esac
pip install -q --no-deps -e .
