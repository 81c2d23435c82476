"""The table itself: what it names exists, and the page that is made of it is up to date."""

from __future__ import annotations

from llm_gateway.catalog.loader import load_catalog
from llm_gateway.settings import GatewaySettings
from service_kit.settings import load

from tests.docs.repository import ROOT
from tests.llm_gateway.matrix.asking import ASKINGS
from tests.llm_gateway.matrix.cells import ASPECTS, PATHS, PROVIDERS, NothingThere
from tests.scripts.loading import script

CATALOG = load_catalog(load(GatewaySettings, {}), {})


def test_all_surfaces_are_there():
    assert [asking.name for asking in ASKINGS] == list(PATHS)


def test_only_aspects_are_named_and_only_the_planner_has_nothing_to_fail():
    for provider in PROVIDERS:
        assert set(provider.cells) <= set(ASPECTS)
        nothing = [aspect for aspect in ASPECTS if isinstance(provider.cell(aspect), NothingThere)]
        assert bool(nothing) is not bool(provider.environ)


def test_every_dialect_of_the_catalog_has_a_column():
    asked = {CATALOG.endpoints[provider.name].dialect for provider in PROVIDERS}
    assert asked == {endpoint.dialect for endpoint in CATALOG.endpoints.values()}


def test_the_page_is_up_to_date():
    page = ROOT / "docs/providers.md"
    assert page.read_text() == script("providers_page").page(), "run: python scripts/providers_page.py"
