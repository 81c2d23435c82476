from __future__ import annotations

import pytest
from mcp_toolbox.approvals.destructive import Destructive
from mcp_toolbox.registry.tool import Hints, from_function


def tool(name: str, hints: Hints | None = None):
    def function() -> str:
        """Do something."""
        return ""

    function.__name__ = name
    return from_function(function, hints or Hints())


def test_only_what_is_marked():
    assert tool("wipe", Hints(destructive=True)) in Destructive()
    assert tool("add_employee", Hints()) not in Destructive()


@pytest.mark.parametrize(
    ("listed", "asks"),
    [("files__wipe", True), ("files__*", True), ("*", True), ("*__w*e", True), ("wipe", False), ("files__", False),
     ("Files__wipe", False), ("files__[w]ipe*", False), ("files__wip?*", False), ("", False)],
)  # fmt: skip
def test_what_the_operator_lists(listed: str, asks: bool):
    assert (tool("files__wipe") in Destructive([listed])) is asks
