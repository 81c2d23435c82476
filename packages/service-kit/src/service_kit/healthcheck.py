"""The command `python -m service_kit.healthcheck`, for images, which have no curl.

It exits with 0 if the service on this machine's PORT is ready, else with 1.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request


def main(port: str, timeout_seconds: float = 3.0) -> int:
    """Returns 0 if the service on `port` of this machine is ready, else 1."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=timeout_seconds) as answer:
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "8000")))
