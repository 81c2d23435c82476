"""An operator's file laid over the built-in catalog: it changes the fields that it names, and nothing else.

Maps are changed as by a JSON merge patch (RFC 7396): a value replaces, null removes, and a map within a row is changed
in the same way. Lists are replaced. Rows that are not there yet are added behind the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from llm_gateway.catalog.document import Document, Place, converted
from llm_gateway.catalog.rows import CatalogFile, CatalogRows, ModelRow, Placed, ProviderRow

Row = dict[str, Any]

_STAND_INS = ("fallbacks", "context_window_fallbacks", "content_filter_fallbacks")
_OPAQUE = frozenset({"extra_body"})
"""Sent to providers as it is, null included: replaced as a whole."""
_IN_PLACE_OF: Mapping[str, tuple[str, ...]] = {
    "deployments": ("provider", "id", "id_variable"),
    "provider": ("deployments",),
    "id": ("deployments",),
    "keys": ("key_variable", "optional_key_variable"),
    "key_variable": ("keys",),
    "optional_key_variable": ("keys",),
}
"""Fields that say the same in another way: once one is named, what the file below said by the others is gone."""


def rows_of(own: Document, builtin: Document) -> CatalogRows:
    """Returns the rows of `own`, laid over those of `builtin` unless it says `extends: nothing`.

    Raises:
        CatalogError: a row is not as it should be, is there twice, or removes what is not there.
    """
    file, layers = converted(own.plain, CatalogFile, Place(own)), _Layers()
    if file.extends == "builtin" and own is not builtin:
        layers.lay(builtin, converted(builtin.plain, CatalogFile, Place(builtin)), claims=False)
    layers.lay(own, file, claims=True)
    return layers.checked()


class _Layers:
    """Rows as they are so far, not yet checked."""

    def __init__(self) -> None:
        self._providers: dict[str, Placed[Row]] = {}
        self._models: dict[str, Placed[Row]] = {}
        self._retired: dict[str, str] = {}

    def lay(self, document: Document, file: CatalogFile, *, claims: bool) -> None:
        """Lays a file over what is there; where it `claims` so, the aliases that it names come before the others."""
        top = Place(document)
        gone = self._remove_providers(file.providers, top)
        gone |= self._remove_models(file.models, top, gone)
        for name, row in self._models.items():
            self._models[name] = row._replace(row=_without_stand_ins(row.row, gone))
        for name, change in file.providers.items():
            if change is not None:
                self._change_provider(name, change, top.at("providers", name)._replace(label=f"provider '{name}'"))
        self._change_models(file.models, top, claims=claims)
        self._retired = converted(_merged(self._retired, file.retired), dict[str, str], top.at("retired"))

    def checked(self) -> CatalogRows:
        """Returns all rows, each of them whole by now."""
        return CatalogRows(
            providers={name: _checked(row, ProviderRow) for name, row in self._providers.items()},
            models=tuple(_checked(row, ModelRow) for row in self._models.values()),
            retired=self._retired,
        )

    def _remove_providers(self, changes: Mapping[str, Any], top: Place) -> set[str]:
        """Returns the names of providers that are removed, and of the models that are gone with them."""
        gone: set[str] = set()
        for name in (name for name, change in changes.items() if change is None):
            if self._providers.pop(name, None) is None:
                raise top.at("providers", name).mistake(f"there is no provider '{name}' to remove")
            orphans = [model for model, placed in self._models.items() if placed.row.get("provider") == name]
            for model in orphans:
                del self._models[model]
            gone |= {name, *orphans}
        return gone

    def _remove_models(self, changes: Iterable[Any], top: Place, gone: Collection[str]) -> set[str]:
        removed: set[str] = set()
        for index, change in enumerate(changes):
            name = _removed(change)
            if name is None:
                continue
            if self._models.pop(name, None) is None and name not in gone:
                raise top.at("models", index).mistake(f"there is no model '{name}' to remove")
            removed.add(name)
        return removed

    def _change_provider(self, name: str, change: Any, place: Place) -> None:
        change = converted(change, Row, place)
        below = self._providers.get(name)
        self._providers[name] = Placed(_merged(below.row if below else {}, change), place)

    def _change_models(self, changes: Iterable[Any], top: Place, *, claims: bool) -> None:
        seen: set[str] = set()
        for index, change in enumerate(changes):
            place = top.at("models", index)
            row = converted(change, Row, place)
            name = _removed(row) or _name_of(row, place)
            place = place._replace(label=f"model '{name}'")
            if name in seen:
                raise place.at("name").mistake(f"the name '{name}' is there twice")
            seen.add(name)
            if _removed(row) is None:
                below = self._models.get(name)
                claimed = claims and (below is None or "aliases" in row)
                self._models[name] = Placed(_merged(below.row if below else {}, row), place, claimed)


def _removed(change: Any) -> str | None:
    """Returns the name of the model that a row `NAME: null` removes."""
    if isinstance(change, dict) and len(change) == 1:
        [(name, value)] = change.items()
        if value is None and isinstance(name, str) and name != "name":
            return name
    return None


def _name_of(row: Row, place: Place) -> str:
    if row.get("name") is None:
        raise place.mistake("a model needs a name; one is removed by `NAME: null`")
    return converted(row["name"], str, place.at("name"))


def _without_stand_ins(row: Row, gone: Collection[str]) -> Row:
    """Returns `row` without fallbacks that are gone: that they are not asked any more is what was meant by removing
    them."""
    lists = {
        field: [name for name in row[field] if name not in gone and str(name).partition("/")[0] not in gone]
        for field in _STAND_INS
        if gone and row.get(field)
    }
    return row | lists


def _merged(below: Mapping[str, Any], change: Mapping[str, Any]) -> Row:
    """Returns `below` with what `change` says, null meaning that a field is not there."""
    named = {field for field, value in change.items() if value is not None}
    replaced = {other for field in named for other in _IN_PLACE_OF.get(field, ()) if other not in change}
    row = {field: value for field, value in below.items() if field not in replaced}
    for field, value in change.items():
        before = row.pop(field, None)
        if isinstance(value, dict) and field not in _OPAQUE:
            row[field] = _merged(before if isinstance(before, dict) else {}, value)
        elif value is not None:
            row[field] = value
    return row


def _checked(placed: Placed[Row], kind: type[msgspec.Struct]) -> Placed[Any]:
    return Placed(converted(placed.row, kind, placed.place), placed.place, placed.claims)
