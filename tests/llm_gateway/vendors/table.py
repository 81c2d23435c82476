"""Every provider's API that the gateway speaks."""

from __future__ import annotations

from tests.llm_gateway.vendors.anthropic import ANTHROPIC
from tests.llm_gateway.vendors.bedrock import BEDROCK, FAMILIES
from tests.llm_gateway.vendors.gemini import GEMINI
from tests.llm_gateway.vendors.local import LOCAL
from tests.llm_gateway.vendors.openai import LOOK_ALIKES, OPENAI
from tests.llm_gateway.vendors.vendor import Vendor

DIALECTS = (OPENAI, ANTHROPIC, GEMINI, BEDROCK)
"""One of each: what holds for its answers holds for all that speak it."""
VENDORS = (*DIALECTS, *LOOK_ALIKES, *FAMILIES)
KINDS = tuple(vendor for vendor in VENDORS if vendor.name not in ("azure", "vllm"))
"""Those that are asked in different ways; the rest are asked as OpenAI is."""


def of_api(name: str) -> Vendor:
    return next(vendor for vendor in (*VENDORS, LOCAL) if vendor.name == name)
