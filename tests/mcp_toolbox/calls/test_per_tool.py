from __future__ import annotations

import pytest
from mcp_toolbox.calls.per_tool import PerTool, parsed
from mcp_toolbox.settings import ToolboxSettings
from service_kit.limits.limiter import Rate
from service_kit.settings import SettingsError, load


def test_the_very_name_counts_before_patterns_and_these_in_their_order():
    values = PerTool([("fs__*", 1), ("fs__read*", 2), ("fs__read", 3), ("*", 4)], 5)
    assert [values[name] for name in ("fs__read", "fs__read_all", "fs__", "add", "fs__read")] == [3, 1, 1, 4, 3]
    assert PerTool([("a*c", 1)], 0)["abd"] == 0


def test_only_the_star_is_special():
    values = PerTool([("a[b]?*", 1)], 0)
    assert (values["a[b]?x"], values["abcx"]) == (1, 0)


def test_an_empty_list_has_no_pairs():
    assert parsed("", int) == parsed(" , ", int) == ()
    assert parsed(" a = 1 ,b=2,", int) == (("a", 1), ("b", 2))


@pytest.mark.parametrize("text", ["a", "a=", "=1", "a=1,a=2", "a=x"])
def test_what_is_no_pair_is_refused(text: str):
    with pytest.raises(ValueError, match=r"NAME=VALUE|twice|invalid literal"):
        parsed(text, int)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("5/s", (5, 1)), ("100/min", (100, 60)), ("1000/h", (1000, 3600)), ("20/10s", (20, 10)), ("1/5min", (1, 300))],
)
def test_rates(text: str, rate: tuple[int, float]):
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["5", "0/s", "5/0s", "-1/s", "5/d", "1.5/s", "5/ s", "/s", "٥/s", "9" * 10 + "/s"])
def test_what_is_no_rate_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a rate"):
        Rate.parse(text)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TOOL_RATE_LIMITS", "add"),
        ("TOOL_RATE_LIMITS", "add=fast"),
        ("TOOL_TIMEOUTS", "add=0"),
        ("TOOL_TIMEOUTS", "add=nan"),
        ("TOOL_TIMEOUTS", "add=soon"),
        ("TOOL_TIMEOUT_SECONDS", "inf"),
        ("TOOL_MAX_RESULT_BYTES", "0"),
    ],
)
def test_a_variable_that_does_not_parse_is_named(variable: str, value: str):
    with pytest.raises(SettingsError, match=variable):
        load(ToolboxSettings, {variable: value})


def test_the_variables():
    settings = load(
        ToolboxSettings, {"TOOL_RATE_LIMITS": "add=5/s,fs__*=100/min", "TOOL_TIMEOUTS": "add=2.5,fs__*=60s"}
    )
    assert settings.tool_rate_limits == (("add", Rate(5, 1)), ("fs__*", Rate(100, 60)))
    assert settings.tool_timeouts == (("add", 2.5), ("fs__*", 60.0))
