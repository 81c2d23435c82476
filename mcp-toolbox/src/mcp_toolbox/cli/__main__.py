"""The command `python -m mcp_toolbox.cli`."""

import sys

from mcp_toolbox.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
