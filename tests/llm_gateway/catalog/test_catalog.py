from __future__ import annotations

import pytest
from llm_gateway.catalog.catalog import Catalog
from llm_gateway.catalog.loader import load_catalog
from llm_gateway.errors import ModelNotFound, ProviderNotConfigured
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load

OPENAI = {"OPENAI_API_KEY": "sk-1"}
AZURE = {"AZURE_API_KEY": "az-1", "AZURE_ENDPOINT": "https://me.openai.azure.com"}
ANTHROPIC = {"ANTHROPIC_API_KEY": "an-1"}
GOOGLE = {"GOOGLE_API_KEY": "go-1"}


def catalog(environ: dict[str, str] | None = None, **more: str) -> Catalog:
    both = {**(environ or {}), **more}
    return load_catalog(load(GatewaySettings, both), both)


def who(name: str, provider: str | None = None, **environ: str) -> str:
    model = catalog(environ).resolve(name, provider)
    return f"{model.provider}:{model.id}"


# --- what the contract lists ---

CONTRACT = [
    ("bedrock-nova-pro", "aws:us.amazon.nova-pro-v1:0"),
    ("gpt-4o", "openai:gpt-4o"),
    ("offline", "offline:offline-planner"),
    ("local", "local:local"),
    ("claude-3-sonnet", "aws:anthropic.claude-3-sonnet-20240229-v1:0"),
    ("claude-3-haiku", "aws:anthropic.claude-3-haiku-20240307-v1:0"),
    ("llama3-70b", "aws:meta.llama3-70b-instruct-v1:0"),
    ("claude-3-opus", "aws:anthropic.claude-3-opus-20240229-v1:0"),
    ("titan-text-express", "aws:amazon.titan-text-express-v1"),
    ("nova-micro", "aws:us.amazon.nova-micro-v1:0"),
    ("nova-lite", "aws:us.amazon.nova-lite-v1:0"),
    ("nova-premier", "aws:us.amazon.nova-premier-v1:0"),
    ("azure/gpt-4o", "azure:gpt-4o"),
    ("azure/gpt-4.1", "azure:gpt-4.1"),
    ("azure/gpt-5-chat", "azure:gpt-5-chat"),
    ("azure/DeepSeek-R1", "azure:DeepSeek-R1"),
    ("azure/DeepSeek-R1-0528", "azure:DeepSeek-R1-0528"),
    ("azure/DeepSeek-V3-0324", "azure:DeepSeek-V3-0324"),
    ("azure/o4-mini", "azure:o4-mini"),
    ("azure/Llama-3.3-70B-Instruct", "azure:Llama-3.3-70B-Instruct"),
    ("azure/grok-3", "azure:grok-3"),
]


@pytest.mark.parametrize(("name", "expected"), CONTRACT)
def test_every_model_of_the_contract_is_there_with_its_output_limit(name: str, expected: str):
    model = catalog().resolve(name)
    assert f"{model.provider}:{model.id}" == expected
    assert model.max_output_tokens and model.context_window


def test_gemini_pro_is_a_current_flash_model():
    model = catalog().resolve("gemini-pro")
    assert model.provider == "google" and "flash" in model.id and not model.id.startswith("gemini-1")
    assert model.max_output_tokens


def test_every_model_says_what_it_is():
    for model in catalog().models.values():
        assert model.description and model.context_window
        if "embeddings" in model.supports:
            assert model.supports == ("embeddings",) and model.max_output_tokens is None
        else:
            assert model.max_output_tokens and "stream" in model.supports


# --- names ---


@pytest.mark.parametrize(
    ("name", "provider", "expected"),
    [
        ("azure/gpt-4.1", None, "azure:gpt-4.1"),
        ("openrouter/anthropic/claude-3.5-sonnet", None, "openrouter:anthropic/claude-3.5-sonnet"),
        ("ollama/llama3.2:1b", None, "ollama:llama3.2:1b"),
        ("aws/anthropic.claude-3-haiku-20240307-v1:0", None, "aws:anthropic.claude-3-haiku-20240307-v1:0"),
        ("aws-bedrock/claude-3-haiku", None, "aws:anthropic.claude-3-haiku-20240307-v1:0"),
        ("OpenAI/gpt-4o", None, "openai:gpt-4o"),
        ("gpt-4o", "azure", "azure:gpt-4o"),
        ("gpt-4o", "azure-openai", "azure:gpt-4o"),
        ("gpt-4o", "openai", "openai:gpt-4o"),
        ("my-own-deployment", "azure", "azure:my-own-deployment"),
        ("claude-3-haiku", "aws", "aws:anthropic.claude-3-haiku-20240307-v1:0"),
        ("claude-sonnet-4-5", "anthropic", "anthropic:claude-sonnet-4-5"),
        ("anthropic/claude-3.5-sonnet", "openrouter", "openrouter:anthropic/claude-3.5-sonnet"),
        ("offline", "offline", "offline:offline-planner"),
        ("gemini-1.5-flash", "google", "google:gemini-3.8-flash"),
        ("google/gemini-1.5-pro", None, "google:gemini-2.5-pro"),
        ("gemini-1.5-flash", None, "google:gemini-3.8-flash"),
    ],
)
def test_a_name_finds_its_model(name: str, provider: str | None, expected: str):
    assert who(name, provider) == expected


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("xxx", None), ("xxx/gpt-4o", None), ("openai/", None), ("/gpt-4o", None), ("gpt-4o", "xxx"), (" gpt-4o", None),
        ("offline/other", None), ("other", "offline"), ("azure/..", None), ("azure/.", None),
        ("openai/" + "a" * 300, None),
        ("GPT-4O", None), ("😀", None), ("\0", None),
    ],
)  # fmt: skip
def test_an_unknown_name_is_said(name: str, provider: str | None):
    with pytest.raises(ModelNotFound) as caught:
        catalog().resolve(name, provider)
    assert (caught.value.status, caught.value.code, caught.value.param) == (404, "model_not_found", "model")
    assert caught.value.message.startswith("LLM '") and caught.value.message.endswith("' not found")
    assert len(caught.value.message) < 300


def test_the_message_is_the_contracts():
    with pytest.raises(ModelNotFound, match=r"^LLM 'xxx' not found$"):
        catalog().resolve("xxx")


def test_a_name_of_several_providers_goes_to_the_default_one_else_to_the_first_configured():
    assert who("claude-sonnet-4-5") == "aws:us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert who("claude-sonnet-4-5", **ANTHROPIC) == "anthropic:claude-sonnet-4-5"
    assert who("gpt-4.1", **AZURE) == "azure:gpt-4.1"
    assert who("gpt-4.1", **AZURE, **OPENAI) == "openai:gpt-4.1"
    assert who("gpt-4.1", **AZURE, **OPENAI, DEFAULT_PROVIDER="azure") == "azure:gpt-4.1"
    assert who("gpt-4.1", **AZURE, **OPENAI, DEFAULT_PROVIDER="azure-openai") == "azure:gpt-4.1"


def test_variables_change_the_ids():
    assert who("gpt-4o", OPENAI_DEFAULT_MODEL="gpt-5") == "openai:gpt-5"
    assert who("bedrock-nova-pro", BEDROCK_MODEL_ID="eu.amazon.nova-pro-v1:0") == "aws:eu.amazon.nova-pro-v1:0"
    assert who("gemini-pro", GEMINI_DEFAULT_MODEL="gemini-2.5-flash") == "google:gemini-2.5-flash"
    assert who("gemini-pro", GEMINI_DEFAULT_MODEL="") == "google:gemini-3.8-flash"


@pytest.mark.parametrize(
    "environ", [{"GEMINI_DEFAULT_MODEL": "gemini-1.5-flash"}, {"DEFAULT_MODEL": "gemini-1.5-flash"}]
)
def test_a_retired_id_is_replaced_with_a_warning(environ: dict[str, str]):
    found = catalog(environ)
    assert found.resolve("gemini-pro").id == "gemini-3.8-flash"
    [warning] = found.warnings
    assert next(iter(environ)) in warning and "gemini-1.5-flash" in warning and "gemini-3.8-flash" in warning
    assert catalog().warnings == ()


# --- the default ---


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "bedrock-nova-pro"),
        (OPENAI, "gpt-4o"),
        (GOOGLE, "gemini-pro"),
        ({**GOOGLE, **OPENAI}, "gpt-4o"),
        (AZURE, "azure/gpt-4o"),
        ({**AZURE, "AZURE_DEFAULT_MODEL": "mine"}, "azure/mine"),
        (ANTHROPIC, "anthropic/claude-sonnet-5-5"),
        ({"OLLAMA_HOST": "localhost:11434"}, "ollama/llama3.2:1b"),
        ({"LOCAL_MODEL_URL": "http://127.0.0.1:9/v1"}, "local"),
        ({**OPENAI, "DEFAULT_MODEL": "offline"}, "offline"),
        ({**OPENAI, "DEFAULT_MODEL": " "}, "gpt-4o"),
        ({"MODEL_PROVIDER": "azure", "MODEL_NAME": "mine"}, "azure/mine"),
        ({"MODEL_PROVIDER": "google"}, "gemini-pro"),
        ({"MODEL_NAME": "claude-3-haiku"}, "aws/claude-3-haiku"),
        ({"MODEL_PROVIDER": "google", "DEFAULT_MODEL": "gpt-4o"}, "gpt-4o"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_default_model(environ: dict[str, str], expected: str):
    found = catalog(environ)
    assert found.resolve(found.default).name == expected


# --- who is there ---


def test_an_unconfigured_provider_names_the_variables_to_set():
    found = catalog(OPENAI)
    reasons = {name: endpoint.unavailable for name, endpoint in found.endpoints.items()}
    assert reasons["openai"] is None and reasons["offline"] is None
    assert reasons["google"] == "set GOOGLE_API_KEY"
    assert reasons["azure"] == "set AZURE_API_KEY (or AZURE_AD_TOKEN) and AZURE_ENDPOINT"
    assert reasons["ollama"] == "set OLLAMA_HOST"
    assert reasons["local"] == "set LOCAL_MODEL_URL"
    with pytest.raises(ProviderNotConfigured, match="GOOGLE_API_KEY") as caught:
        found.route("gemini-pro")
    assert (caught.value.status, caught.value.code) == (503, "provider_not_configured")


def test_an_empty_variable_is_unset():
    assert not catalog(OPENAI_API_KEY="  ").resolve("gpt-4o").available
    assert catalog(OPENAI).resolve("gpt-4o").available


def test_the_planner_stands_in_only_where_nothing_is_configured():
    route = catalog().route("gpt-4o")
    assert (route.asked, [model.name for model in route.targets]) == ("gpt-4o", ["offline"])
    assert route.fallback_from(route.targets[0]) == "gpt-4o"
    assert [m.name for m in catalog().route("").targets] == ["offline"]
    for environ in (GOOGLE, {"OFFLINE_FALLBACK": "never"}, {"OLLAMA_HOST": "x"}):
        with pytest.raises(ProviderNotConfigured):
            catalog(environ).route("gpt-4o")


def test_the_planner_stands_in_for_named_models_alone():
    with pytest.raises(ProviderNotConfigured):
        catalog().route("openai/some-model-of-mine")
    with pytest.raises(ModelNotFound):
        catalog().route("xxx")


def test_an_alias_is_no_fallback():
    route = catalog(ANTHROPIC).route("claude-sonnet-4-5")
    assert route.fallback_from(route.targets[0]) is None


def test_an_unlisted_model_is_passed_through_with_its_price():
    model = catalog(OPENAI).route("openai/gpt-4o-2024-08-06").targets[0]
    assert (model.name, model.id) == ("openai/gpt-4o-2024-08-06", "gpt-4o-2024-08-06")
    assert model.rates is not None and model.rates.input.base > 0
    assert catalog(OPENAI).route("openai/ft:gpt-99:me").targets[0].rates is None


def test_an_azure_id_cannot_climb_out_of_its_address():
    url = catalog(AZURE).resolve("azure/a/../../x?y=1#z").endpoint.url("a/../../x?y=1#z")
    assert url.startswith(
        "https://me.openai.azure.com/openai/deployments/a%2F..%2F..%2Fx%3Fy%3D1%23z/chat/completions?"
    )
    assert "api-version=2025-04-01-preview" in url


def test_credentials_go_into_the_header_that_the_provider_wants_and_are_never_shown():
    found = catalog({**OPENAI, **AZURE}, AZURE_API_VERSION="2024-10-21")
    assert found.endpoints["openai"].headers == {"authorization": "Bearer sk-1"}
    assert found.endpoints["azure"].headers == {"api-key": "az-1"}
    assert "api-version=2024-10-21" in found.endpoints["azure"].url("gpt-4o")
    shown = repr(found.endpoints) + repr(found.models) + repr(found.route("gpt-4o")) + str(found.endpoints["openai"])
    assert "sk-1" not in shown and "az-1" not in shown


def test_echoed_credentials_are_taken_out_of_a_text():
    endpoint = catalog(OPENAI).endpoints["openai"]
    assert endpoint.redacted("Incorrect API key provided: sk-1.") == "Incorrect API key provided: ***."


def test_a_host_without_a_scheme_is_an_address():
    assert (
        catalog(OLLAMA_HOST="localhost:11434").endpoints["ollama"].url("x")
        == "http://localhost:11434/v1/chat/completions"
    )


def test_remembered_routes_are_bounded():
    found = catalog(OPENAI)
    for number in range(5000):
        found.route(f"openai/made-up-{number}")
    assert len(found._routes) <= 4096  # pyright: ignore[reportPrivateUsage]
    assert found.route("gpt-4o") is found.route("gpt-4o")


def test_azure_takes_a_key_or_a_token_of_entra_which_wins():
    keyed = catalog(**AZURE).endpoints["azure"]
    assert keyed.headers == {"api-key": "az-1"} and keyed.unavailable is None
    at = {"AZURE_ENDPOINT": "https://me.openai.azure.com", "AZURE_AD_TOKEN": "eyJ0"}
    for environ in (at, {**at, **AZURE}):
        token = catalog(**environ).endpoints["azure"]
        assert token.headers == {"authorization": "Bearer eyJ0"} and token.unavailable is None
        assert token.redacted("you sent eyJ0") == "you sent ***"


@pytest.mark.parametrize("secret", ["sk-one two", "sk-one\ntwo", "clé", "“sk-1”"])
def test_a_key_that_no_header_takes_is_named_and_not_shown(secret: str):
    with pytest.raises(ProviderNotConfigured, match="OPENAI_API_KEY") as caught:
        catalog(OPENAI_API_KEY=secret, OFFLINE_FALLBACK="never").route("gpt-4o")
    assert secret not in str(caught.value)


@pytest.mark.parametrize("address", ["https://", "ftp://models.example", "http://models.example:port", "http://a b"])
def test_an_address_that_is_none_is_named(address: str):
    with pytest.raises(ProviderNotConfigured, match="OPENAI_BASE_URL"):
        catalog(OPENAI, OPENAI_BASE_URL=address, OFFLINE_FALLBACK="never").route("gpt-4o")
