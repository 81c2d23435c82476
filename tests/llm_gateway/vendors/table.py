"""Every provider's API that the gateway speaks."""

from __future__ import annotations

from tests.llm_gateway.vendors.openai import OPENAI

VENDORS = (OPENAI,)
