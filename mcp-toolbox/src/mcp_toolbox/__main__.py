"""The command `python -m mcp_toolbox`."""

import sys

from service_kit.service import run_main

from mcp_toolbox.app import main

if __name__ == "__main__":
    sys.exit(run_main(main))
