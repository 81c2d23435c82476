"""`python -m llm_gateway` runs the gateway."""

import sys

from service_kit.service import run_main

from llm_gateway.app import main

if __name__ == "__main__":
    sys.exit(run_main(main))
