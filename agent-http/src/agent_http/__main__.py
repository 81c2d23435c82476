"""`python -m agent_http` runs the HTTP agent."""

import sys

from service_kit.service import run_main

from agent_http.app import main

if __name__ == "__main__":
    sys.exit(run_main(main))
