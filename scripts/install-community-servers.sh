#!/bin/sh
# Brings the MCP servers from PyPI that the tests put behind the toolbox, at locked versions, into an environment of
# their own, as people who run them have it. Does nothing when they are there.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
python=${VENV_PYTHON:-$here/.venv/bin/python}
lock=$here/tests/mcp_toolbox/upstream_community/requirements.lock
target=$here/.venvs/community

wanted=$(cksum <"$lock")
if [ "$(cat "$target/.installed" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

echo "Installing community MCP servers into .venvs/community (once) …" >&2
rm -rf "$target"
"$python" -m venv --without-pip "$target"
PIP_PYTHON=$target/bin/python "$here/scripts/install-lock.sh" "$python" "$lock" >&2
echo "$wanted" >"$target/.installed"
