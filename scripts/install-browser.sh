#!/bin/sh
# Makes sure that the tests of the chat page have a Chromium, and prints where it is: an installed one, else the
# distribution's (as root with apt), else the one that Playwright downloads.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
python=${VENV_PYTHON:-$here/.venv/bin/python}

find_chromium() {
    "$python" "$here/tests/browser.py" 2>/dev/null
}

if find_chromium; then
    exit 0
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "No Chromium found: installing the distribution's." >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update >&2 && apt-get install -y --no-install-recommends chromium >&2 || true
    if find_chromium; then
        exit 0
    fi
fi

echo "No Chromium found: asking Playwright for its own." >&2
"$python" -m playwright install chromium >&2 || true
if find_chromium; then
    exit 0
fi

echo "The tests of the chat page need a Chromium. Install chromium or google-chrome," >&2
echo "or set CHROMIUM_PATH to the executable of one." >&2
exit 1
