"""`python -m agent_websocket` runs the WebSocket agent."""

import sys

from service_kit.undumpable import close_to_other_processes

close_to_other_processes()  # before anything else is read or started

from service_kit.service import run_main  # noqa: E402

from agent_websocket.app import main  # noqa: E402

sys.exit(run_main(main))
