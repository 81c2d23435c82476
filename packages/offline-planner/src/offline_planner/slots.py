"""Which parameter a value is for: by its label, by its form, or because it is the one that is still open."""

from __future__ import annotations

from .lexer import Token
from .lexicon import is_plural, meanings
from .scan import PATHS, TO_LIKE, Misfit, Scan, has_form, is_long
from .schema import Parameter


class Slots:
    """Chooses among the parameters of the tool that a request is laid over."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    def free_text(self) -> Parameter | None:
        open_ = [item for item in self._scan.card.parameters if self.is_open(item) and item.kind in ("string", "any")]
        needed = [item for item in open_ if item.required]
        long = [item for item in needed if is_long(item)]
        return (long or needed or open_ or [None])[0] if len(long or needed) == 1 or len(open_) == 1 else None

    def is_open(self, item: Parameter) -> bool:
        return item.name not in self._scan.found and not item.options and item.kind != "boolean"

    def parameter_for(self, token: Token) -> Parameter:
        """The parameter for a quoted text or an address: the one that is labelled, or whose name is of that form."""
        if self._scan.pending is not None and self._scan.pending.name not in self._scan.found:
            return self._scan.pending
        open_ = [item for item in self._scan.card.parameters if self.is_open(item) and item.kind in ("string", "any")]
        wanted = {"email": {"email", "~to", "~recipient", "address"}, "url": {"~url", "~uri", "~link", "address"},
                  "path": PATHS, "day": {"date", "time"}}.get(token.kind, frozenset())  # fmt: skip
        by_form = [item for item in open_ if item.concepts & wanted]
        if self._scan.soft and token.kind == "quote":
            by_form = [item for item in open_ if item.concepts & set(self._scan.soft)]
        if len(by_form) > 1 and self._scan.soft:
            by_form = [item for item in by_form if item.concepts & set(self._scan.soft) - PATHS] or by_form
        if len(by_form) > 1:
            by_form = [item for item in by_form if not item.concepts & TO_LIKE] or by_form
        if len(by_form) > 1 and len({item.required for item in by_form}) > 1:
            by_form = [item for item in by_form if item.required]
        if token.kind == "path" and (
            self._is_inside() or not (by_form or self._scan.named or self._is_long_left(open_))
        ):
            raise Misfit(self._scan.place)
        if token.kind == "quote" and set(self._scan.soft) & TO_LIKE and not (by_form or self._scan.named):
            raise Misfit(self._scan.place)
        if len(by_form) == 1:
            if (
                by_form[0].concepts & TO_LIKE
                and set(self._scan.soft) & {"~from", "source"}
                and not set(self._scan.soft) & TO_LIKE
            ):
                raise Misfit(self._scan.place)
            return by_form[0]
        needed = [item for item in open_ if item.required]
        if not needed and not any(item.required for item in self._scan.card.parameters):
            needed = open_
        if token.kind == "quote" or not by_form:
            candidates = [item for item in needed if not has_form(item)] or needed
            if len(candidates) == 1 or (candidates and self._scan.named):
                return candidates[0]
            behind_noun = meanings(self._scan.tokens[self._scan.place - 1].folded) & self._scan.card.about
            titled = [item for item in candidates if item.concepts & {"name", "title"}]
            if behind_noun and len(titled) == 1:
                return titled[0]
        raise Misfit(self._scan.place)

    def _is_long_left(self, open_: list[Parameter]) -> bool:
        """Whether a path may be a text of its own: no parameter has taken another one, and a text is open."""
        taken = any(item.concepts & PATHS and item.name in self._scan.found for item in self._scan.card.parameters)
        return not taken and bool(open_)

    def _is_inside(self) -> bool:
        """Whether a path says where the tool's thing is, and not which it is: "the file in /tmp"."""
        place, card = self._scan.place, self._scan.card
        if place - self._scan.start < 2 or self._scan.tokens[place - 1].folded not in ("in", "en", "inside"):
            return False
        said = meanings(self._scan.tokens[place - 2].folded)
        return bool(said & card.about) and not is_plural(self._scan.tokens[place - 2].folded)

    def numeric(self) -> Parameter | None:
        if self._scan.pending is not None:
            return self._scan.pending if self._scan.pending.kind in ("number", "integer", "any", "array") else None
        open_ = [
            item
            for item in self._scan.card.parameters
            if item.name not in self._scan.found and item.kind in ("number", "integer")
        ]
        needed = [item for item in open_ if item.required]
        if needed:
            return needed[0]
        limits = [item for item in open_ if item.concepts & {"limit", "~count", "~top"}]
        return (
            limits[0] if len(limits) == 1 and not self._scan.soft and self._scan.place == self._scan.start + 1 else None
        )

    def named_parameter(self) -> Parameter | None:
        wanted = ({"name", "title"}, {"~" + "nombre"})
        open_ = [item for item in self._scan.card.parameters if self.is_open(item) and item.kind in ("string", "any")]
        by_name = [item for item in open_ if item.concepts & wanted[0]]
        needed = [item for item in by_name if item.required] or by_name or [item for item in open_ if item.required]
        return needed[0] if needed else None

    def pointed(self) -> Parameter | None:
        open_ = [item for item in self._scan.card.parameters if self.is_open(item) and item.kind in ("string", "any")]
        if self._scan.soft:
            travels = any("~origin" in item.concepts for item in self._scan.card.parameters)
            meant = [item for item in open_ if item.concepts & set(self._scan.soft) and (travels or not has_form(item))]
            if meant:
                return meant[0]
            if "~from" in self._scan.soft and self._scan.tokens[self._scan.place - 1].folded == "from":
                return None  # what it is from has its value already
            if self._has_its_target(set(self._scan.soft) & TO_LIKE):
                return None
        needed = [item for item in open_ if item.required and not has_form(item)]
        if len(needed) > 1:
            needed = [item for item in needed if not item.concepts & TO_LIKE] or needed
        token = self._scan.tokens[self._scan.place]
        if len(needed) == 1 or (needed and token.text[:1].isupper() and needed[0].concepts & {"name"}):
            return needed[0]
        forms = [item for item in open_ if item.required]
        # A path that is a bare word could be anything else of the file: a tool that changes something does not take it.
        fits = self._scan.card.reads and len(forms) == 1 and not needed and bool(forms[0].concepts & PATHS)
        return forms[0] if fits else None

    def _has_its_target(self, directed: set[str]) -> bool:
        """Whether a second word says what it goes to: "convert 100 to EUR to USD"."""
        found = self._scan.found
        return any(item.concepts & directed for item in self._scan.card.parameters if item.name in found)

    def free_text_or_misfit(self) -> Parameter:
        parameter = self.free_text()
        if parameter is None:
            raise Misfit(self._scan.place)
        return parameter
