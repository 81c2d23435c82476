"""Generate the gateway's gRPC messages from `llm-gateway/proto`; a test compares what is there with what this makes.

python scripts/generate_proto.py [FOLDER]
"""

import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "llm-gateway/proto"
GENERATED = ROOT / "llm-gateway/src/llm_gateway/surfaces/rpc/generated"


def generate(folder: Path) -> int:
    """Write the modules into `folder`; returns protoc's exit code."""
    protos = [str(path) for path in sorted(PROTO.glob("*.proto"))]
    return protoc.main(["protoc", f"-I{PROTO}", f"--python_out={folder}", f"--pyi_out={folder}", *protos])


if __name__ == "__main__":
    sys.exit(generate(Path(sys.argv[1]) if len(sys.argv) > 1 else GENERATED))
