"""Every provider's API that the gateway speaks."""

from __future__ import annotations

from tests.llm_gateway.vendors.anthropic import ANTHROPIC
from tests.llm_gateway.vendors.gemini import GEMINI
from tests.llm_gateway.vendors.openai import LOOK_ALIKES, OPENAI
from tests.llm_gateway.vendors.vendor import Vendor

VENDORS = (OPENAI, *LOOK_ALIKES, ANTHROPIC, GEMINI)


def of_api(name: str) -> Vendor:
    return next(vendor for vendor in VENDORS if vendor.name == name)
