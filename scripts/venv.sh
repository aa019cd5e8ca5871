#!/bin/sh
# Make or bring up to date .venv: scripts/venv.sh runtime|dev|clients|docs
# The package is installed as a checkout, with the dependencies locked in requirements/. `clients` and `docs`
# make .venv/clients and .venv/docs, which have none of it.
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
into=.venv
case "$1" in
clients | docs)
    into=.venv/$1
    [ -x "$into"/bin/python ] || .venv/bin/python -m venv "$into"
    set -- -r "requirements/$1.txt"
    ;;
runtime) set -- -r requirements/runtime.txt ;;
dev) set -- -r requirements/runtime.txt -r requirements/dev.txt ;;
esac

# uv takes a tenth of pip's time, and leaves to Python the compiling of what is imported. It does not read pip's
# configuration: the index comes from there. Where uv cannot do it, pip does, which says what is wrong.
uv() { .venv/bin/uv --quiet --system-certs pip "$@" --python "$into"/bin/python; }
index=$(pip config list | sed -n "s/^[^=]*[:.]index-url='\(.*\)'$/\1/p" | tail -n 1)
[ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
us() { [ "$into" != .venv ] || "$@" --no-deps -e .; }
if pip install -q -r requirements/installer.txt && uv install "$@" && us uv install; then
    exit 0
fi
echo "uv could not install it: pip does, which takes a minute." >&2
"$into"/bin/python -m pip --disable-pip-version-check install -q "$@"
us pip install -q
