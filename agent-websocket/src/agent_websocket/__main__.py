"""`python -m agent_websocket` runs the WebSocket agent."""

import sys

from service_kit.service import run_main

from agent_websocket.app import main

sys.exit(run_main(main))
