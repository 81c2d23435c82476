"""The generated code is what its script makes of the proto file, and grpcio is imported only where it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.repository import ROOT

GENERATED = ROOT / "llm-gateway/src/llm_gateway/surfaces/rpc/generated"

pytestmark = pytest.mark.timeout(60)


def test_the_generated_code_is_current(tmp_path: Path):
    subprocess.run([sys.executable, ROOT / "scripts/generate_proto.py", tmp_path], check=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in GENERATED.glob("*_pb2.py*")} != {}


IMPORTS = """
import asyncio, sys
from llm_gateway.app import from_environment
from service_kit.testing import running
async def main():
    app, _ = from_environment({environ})
    async with running(app):
        print("grpc" in sys.modules, "google.protobuf" in sys.modules)
asyncio.run(main())
"""


@pytest.mark.parametrize(("environ", "imported"), [({}, False), ({"GRPC_PORT": "0"}, True)])
def test_grpcio_is_imported_only_where_the_port_is_set(environ: dict[str, str], imported: bool):
    code = IMPORTS.replace("{environ}", repr(environ))
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split()[-2:] == [str(imported)] * 2
