"""From samples to verdicts and the table, on samples whose figures can be worked out by hand."""

import msgspec
import pytest

from bench.against import Comparison
from bench.figures import Book
from bench.machine import describe
from bench.measure import Sample
from bench.memory import MemoryFigures
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
            sample(0, "plain-1", "ours", p50=0.3),
            sample(1, "plain-1", "direct", p50=1.1),  # a slow moment of the machine: both were slow
            sample(1, "plain-1", "ours", p50=1.4),
        ]
    )
    added = book.spread("added-p50", "ours")
    assert added is not None
    assert (added.low, added.high) == pytest.approx((0.2, 0.3))
    assert book.spread("added-p50", "direct") is None
    assert verdict(book, "p50 added, 1 conn.").met is True


def test_ratios_compare_neighbors_in_time():
    book = Book(
        [
            sample(0, "plain-16", "ours", answered=3300),
            sample(0, "plain-16", "LiteLLM", answered=100),
            sample(1, "plain-16", "ours", answered=1600),
            sample(1, "plain-16", "LiteLLM", answered=50),
            sample(2, "plain-16", "ours", answered=2000),
            sample(2, "plain-16", "LiteLLM", answered=100),
        ]
    )
    against = verdict(book, "requests/s against LiteLLM's, 16 conn.")
    assert against.measured == Spread(median=32.0, low=20.0, high=33.0, rounds=3)
    assert against.met is True
    assert verdict(book, "requests/s against Portkey's, 16 conn.").met is None


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
    assert "| requests/s against LiteLLM's, 16 conn. | at least 32 × | – | not measured |" in text
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


def test_the_frontier_is_the_most_loaded_window_within_the_bound():
    def window(connections: int, answered: int, p99: float) -> Sample:
        return sample(0, f"plain-{connections}", "ours", answered=answered, p99_ms=p99)

    failed = sample(0, "plain-64", "ours", answered=9000, p99_ms=1.0, errors={"status 500": 1})
    book = Book([window(1, 1000, 2.0), window(8, 3000, 5.0), window(4, 2500, 4.0), window(16, 3500, 39.0), failed])
    frontier = {bound: book.per_round(f"frontier-{bound}", "ours") for bound in (1, 5, 10, 50)}
    assert frontier == {1: [0.0], 5: [3000.0], 10: [3000.0], 50: [3500.0]}
    assert book.spread("frontier-10", "Portkey") is None
    assert book.spread("messages-frontier-10", "ours") is None


def test_streams_are_sustained_up_to_the_first_number_that_is_not():
    def window(streams: int, gap: float, **more) -> Sample:
        return sample(0, f"paced-{streams}", "ours", gap_p99_ms=gap, **more)

    def sustained(*samples: Sample) -> list[float | None]:
        return Book(samples).per_round("sustained", "ours")

    assert sustained(window(16, 22.0), window(32, 39.0), window(64, 41.0)) == [32.0]
    assert sustained(window(16, 22.0), window(32, 22.0, errors={"tokens lost or doubled": 1})) == [16.0]
    assert sustained(window(16, 50.0)) == [0.0]
    assert sustained(window(16, 22.0, errors={"connection lost": 1})) == [None]


def test_the_longest_stop_and_the_gaps_are_shown():
    book = Book(
        [
            sample(0, "stops", "ours", longest_stop_ms=40.0),
            sample(1, "stops", "ours", longest_stop_ms=12.0),
            sample(0, "paced-16", "direct", gap_p99_ms=21.0, first_token_p99_ms=1.0),
            sample(0, "paced-16", "ours", gap_p99_ms=25.0, first_token_p99_ms=3.0),
        ]
    )
    assert book.spread("stop", "ours") == Spread(26.0, 12.0, 40.0, 2)
    assert book.per_round("paced-gap-p99", "ours")[0] == pytest.approx(4.0)
    assert book.per_round("paced-first-p99", "ours")[0] == pytest.approx(2.0)


def test_memory_and_the_older_commit_have_tables_of_their_own():
    grown = MemoryFigures("ours", 82.0, 110.0, -0.5, 104.0, {})
    compared = Comparison("abc1234", "a request", Spread(0.25, 0.2, 0.3, 4), None, Spread(1.04, 1.0, 1.1, 4), {})
    text = markdown(report(memory=[grown], comparisons=[compared]))
    assert "| ours | 82.0 | 110 | -0.50 | 104 |" in text
    assert "## Processor time against commit abc1234" in text
    assert "| a request | **0.25** (0.20–0.30) | – | **1.04** (1.00–1.10) |" in text
    assert "## Memory" not in markdown(report())
    assert "against commit" not in markdown(report())
