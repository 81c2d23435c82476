"""The command `python -m mcp_toolbox`."""

import sys

from service_kit.undumpable import close_to_other_processes

close_to_other_processes()  # before anything else is read or started

from service_kit.service import run_main  # noqa: E402

from mcp_toolbox.app import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(run_main(main))
