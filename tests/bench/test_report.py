"""From samples to verdicts and the table, on samples whose figures can be worked out by hand."""

import msgspec
import pytest

from bench.figures import Book
from bench.machine import describe
from bench.measure import Sample
from bench.report import FigureLine, Problem, Report, SystemLine, markdown, number
from bench.run import keep
from bench.spec import Result
from bench.stats import Spread
from bench.targets import judge
from bench.toolbox import ToolFigures


def result(*, answered: int = 100, p50: float = 1.0, cpu: float | None = 0.1, **more) -> Result:
    return Result(
        window_s=1.0, answered=answered, sent=answered, errors=more.pop("errors", {}), p50_ms=p50, cpu_s=cpu, **more
    )


def sample(number: int, scenario: str, system: str, **more) -> Sample:
    return Sample(number, scenario, system, result(**more))


def verdict(book: Book, label: str, resident: Spread | None = None):
    return next(each for each in judge(book, resident) if each.label == label)


def test_added_latency_is_taken_within_the_round():
    book = Book(
        [
            sample(0, "plain-1", "direct", p50=0.1),
            sample(0, "plain-1", "ours", p50=0.4),
            sample(1, "plain-1", "direct", p50=1.1),  # a slow moment of the machine: both were slow
            sample(1, "plain-1", "ours", p50=1.5),
        ]
    )
    added = book.spread("added-p50", "ours")
    assert added is not None
    assert (added.low, added.high) == pytest.approx((0.3, 0.4))
    assert book.spread("added-p50", "direct") is None
    assert verdict(book, "p50 added, 1 conn.").met is True


def test_ratios_compare_neighbours_in_time():
    book = Book(
        [
            sample(0, "plain-64", "ours", answered=2600),
            sample(0, "plain-64", "LiteLLM", answered=100),
            sample(1, "plain-64", "ours", answered=1300),
            sample(1, "plain-64", "LiteLLM", answered=50),
            sample(2, "plain-64", "ours", answered=2000),
            sample(2, "plain-64", "LiteLLM", answered=100),
        ]
    )
    against = verdict(book, "requests/s against LiteLLM's, 64 conn.")
    assert against.measured == Spread(median=26.0, low=20.0, high=26.0, rounds=3)
    assert against.met is True
    assert verdict(book, "requests/s against Portkey's, 64 conn.").met is None


def test_peers_that_nobody_asked_for_are_not_missing():
    labels = [each.label for each in judge(Book([]), None, against_peers=False)]
    assert labels
    assert not any("LiteLLM" in label or "Portkey" in label for label in labels)


def test_a_missed_target_is_said_to_be_missed():
    book = Book([sample(0, "plain-1", "direct", p50=0.1), sample(0, "plain-1", "ours", p50=0.7)])
    assert verdict(book, "p50 added, 1 conn.").met is False
    over = Spread(median=151.0, low=151.0, high=151.0, rounds=1)
    assert verdict(book, "resident memory after all load", over).met is False


def test_chunk_cost_is_the_slope_between_short_and_long_streams():
    book = Book(
        [
            sample(0, "burst-short", "direct", p50=0.2, cpu=None),
            sample(0, "burst-long", "direct", p50=2.6, cpu=None),  # 10 µs a chunk
            sample(0, "burst-short", "ours", p50=0.5, cpu=0.05),
            sample(0, "burst-long", "ours", p50=6.5, cpu=0.41),  # 25 µs a chunk; 15 µs of processor
        ]
    )
    wall, cpu = book.spread("chunk-wall", "ours"), book.spread("chunk-cpu", "ours")
    assert wall is not None
    assert cpu is not None
    assert wall.median == pytest.approx(15.0)
    assert cpu.median == pytest.approx(15.0)


def test_a_window_with_errors_gives_no_figure():
    spoiled = sample(0, "plain-64", "ours", errors={"status 500": 1})
    assert spoiled.problems() == {"status 500": 1}
    assert Book([spoiled]).spread("rps-64", "ours") is None
    assert Sample(0, "plain-64", "ours", result(answered=0)).problems() == {"no right answer": 0}


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12,346"), (99.44, "99.4"), (0.126, "0.13"), (-0.126, "-0.13"), (0.0, "0.00")]
)
def test_numbers_have_three_digits(value, text):
    assert number(value) == text


def report(**more) -> Report:
    spread = Spread(median=100.0, low=90.0, high=110.0, rounds=3)
    empty = Report(
        date="2026-01-31",
        mode="full",
        machine=describe(),
        rounds=3,
        window_s=1.0,
        pinned=True,
        systems=[
            SystemLine("ours", "1.0", 60.0, 70.0),
            SystemLine("LiteLLM", not_measured="pip found no such version"),
        ],
        figures=[FigureLine("rps-1", "pass-through, 1 conn.", "req/s", {"ours": spread, "LiteLLM": None})],
        verdicts=judge(Book([]), None),
        problems=[],
        notes=[],
        agents=[],
    )
    return msgspec.structs.replace(empty, **more)


def test_the_table_marks_what_was_not_measured():
    text = markdown(report())
    assert "| pass-through, 1 conn. | req/s | **100** (90.0–110) | – |" in text
    assert "not measured: pip found no such version" in text
    assert "| requests/s against LiteLLM's, 64 conn. | at least 25 × | – | not measured |" in text
    assert "every answer was right" in text


def test_the_table_shows_errors():
    text = markdown(report(problems=[Problem("plain-64", "Portkey", 2, {"status 500": 7})]))
    assert "| plain-64 | Portkey | 2 | 7 × status 500 |" in text
    assert "every answer was right" not in text


def test_a_report_is_kept_and_read_back(tmp_path):
    keep(report(), tmp_path / "results")
    kept = msgspec.json.decode((tmp_path / "results" / "2026-01-31.json").read_bytes(), type=Report)
    assert kept == report(machine=kept.machine)
    assert (tmp_path / "results" / "2026-01-31.md").read_text().startswith("# Measured on 2026-01-31\n")


def test_a_tools_line_has_its_medians_and_says_where_it_failed():
    figures = ToolFigures("toolbox, REST", Spread(0.5, 0.4, 0.6, 3), None, None, None, None, 1, {"status 500": 2})
    text = markdown(report(tools=[figures]))
    assert "| toolbox, REST | **0.50** (0.40–0.60) | – | – | – | – |" in text
    assert "## Toolbox" not in markdown(report())
