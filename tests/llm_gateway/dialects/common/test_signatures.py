from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.dialects.common.signatures import is_redacted, unwrap, wrap

providers = st.sampled_from(["anthropic", "google", "aws", "openai", "openrouter", "my-own_1"])


@given(providers, st.text(), st.booleans())
def test_what_is_wrapped_comes_back_with_its_provider(provider: str, signature: str, redacted: bool):
    text = wrap(provider, signature, redacted)
    assert unwrap(text, "somebody") == (provider, signature)
    assert is_redacted(text) is redacted


@pytest.mark.parametrize("text", ["", "ErUBCkYICRgCIkCk", "gw1", "gw1.", "gw1.google", "gw1..x", "gw2.google.x", "."])
def test_a_strangers_signature_is_the_defaults_own(text: str):
    assert unwrap(text, "anthropic") == ("anthropic", text)


def test_a_signature_of_nobody_is_left_as_it_is():
    assert wrap(None, "abc") == "abc"
    assert not is_redacted("abc")
