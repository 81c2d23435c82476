"""The command `python -m service_kit.healthcheck`, for images, which have no curl.

It exits with 0 if the service on this machine's PORT is ready, else with 1. With ENABLE_TLS it asks by TLS; whose
certificate the service shows does not matter, since it is asked on the machine itself.
"""

from __future__ import annotations

import os
import ssl
import sys
import urllib.error
import urllib.request


def main(port: str, timeout_seconds: float = 3.0, *, tls: bool = False) -> int:
    """Returns 0 if the service on `port` of this machine is ready, else 1."""
    try:
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/readyz"
        context = ssl._create_unverified_context() if tls else None
        with urllib.request.urlopen(url, timeout=timeout_seconds, context=context) as answer:
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    asked_by_tls = os.environ.get("ENABLE_TLS", "").strip().lower() in ("true", "1", "yes", "on")
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "8000"), tls=asked_by_tls))
