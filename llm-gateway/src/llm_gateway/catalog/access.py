"""The models that a principal may use."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from llm_gateway.catalog.catalog import Catalog, Route
from llm_gateway.catalog.models import OFFLINE, Model
from llm_gateway.errors import ModelNotAllowed, ModelNotFound

_WILD = frozenset("*?[")


def may_use(model: Model, names: Sequence[str] | None, catalog: Catalog) -> bool:
    """Returns whether one of `names` means `model`; None means every model.

    A name is one that clients may use (`gpt-4o`, an alias, `azure/gpt-4.1`), or a pattern over the catalog's names and
    `PROVIDER/ID` (`gpt-*`, `azure/*`). What a client called the model never decides: it could call it anything.
    """
    if names is None:
        return True
    known_as = (model.name, f"{model.provider}/{model.id}")
    return any(_means(name, model, known_as, catalog) for name in names)


def _means(name: str, model: Model, known_as: tuple[str, ...], catalog: Catalog) -> bool:
    if not _WILD.isdisjoint(name):
        pattern = catalog.with_own_provider(name)
        return any(fnmatchcase(known, pattern) for known in known_as)
    try:
        return catalog.resolve(name).name == model.name
    except ModelNotFound:
        return False


def within(route: Route, asked: Model, names: Sequence[str] | None, catalog: Catalog) -> Route:
    """Returns the part of `route` that a principal with these `names` may be answered by. The planner that stands in
    for `asked` on a machine without providers is one of them.

    Raises:
        ModelNotAllowed: `asked` is no model of its own, or it cannot be asked and what stands in for it may not be.
    """
    if names is None:
        return route
    if not may_use(asked, names, catalog):
        raise ModelNotAllowed(asked.name)

    def kept(models: tuple[Model, ...]) -> tuple[Model, ...]:
        return tuple(one for one in models if one.provider == OFFLINE or may_use(one, names, catalog))

    targets = kept(route.targets)
    if not targets:
        raise ModelNotAllowed(asked.name)
    return msgspec.structs.replace(
        route, targets=targets, context_window=kept(route.context_window), content_filter=kept(route.content_filter)
    )
