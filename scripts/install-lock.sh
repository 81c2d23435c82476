#!/bin/sh
# Installs a lock into the environment of PYTHON, by its path: exactly the files that the lock pins.
#   scripts/install-lock.sh PYTHON LOCK [options of pip install]
#
# A lock is complete, so nothing is resolved (--no-deps). Left to resolve, pip looks for the newest release of whatever
# is asked for with an extra, as in google-auth[requests], and refuses it, since the lock has no hash of it: each new
# release would break what was locked before.
set -eu

python=$1
lock=$2
shift 2
exec "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock" "$@"
