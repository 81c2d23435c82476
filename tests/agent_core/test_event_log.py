"""The log: numbers without holes, three bounds, and positions that are told when they are gone."""

import json

import pytest
from agent_core.event_log import MemoryEventLog, PositionGoneError
from agent_core.events import Token
from hypothesis import given
from hypothesis import strategies as st


def token(content: str = "x", run_id: str = "r") -> Token:
    return Token(run_id=run_id, content=content)


def seqs(entries) -> list[int]:
    return [entry.seq for entry in entries]


def filled(count: int, **bounds: int) -> MemoryEventLog:
    log = MemoryEventLog(**bounds)
    log.open("c")
    for number in range(count):
        log.append("c", token(str(number)))
    return log


def test_numbers_begin_at_one_and_stand_in_the_text():
    log = filled(3)
    entries = log.after("c", 0, 10)
    assert seqs(entries) == [1, 2, 3]
    assert [json.loads(entry.text)["seq"] for entry in entries] == [1, 2, 3]
    assert [json.loads(entry.text)["content"] for entry in entries] == ["0", "1", "2"]
    assert log.last_seq("c") == 3


def test_channels_are_counted_apart():
    log = filled(3)
    log.open("d")
    assert log.append("d", token()).seq == 1


def test_a_position_at_the_end_has_nothing_after_it():
    assert filled(3).after("c", 3, 10) == []
    assert filled(0).after("c", 0, 10) == []


@pytest.mark.parametrize("position", [-1, 4, 10**30])
def test_a_position_that_never_was_is_gone(position):
    with pytest.raises(PositionGoneError):
        filled(3).after("c", position, 10)


def test_a_trimmed_position_is_gone_and_a_kept_one_is_not():
    log = filled(10, max_events=4)
    assert seqs(log.after("c", 6, 10)) == [7, 8, 9, 10]
    with pytest.raises(PositionGoneError):
        log.after("c", 5, 10)
    assert log.last_seq("c") == 10


def test_bytes_of_a_channel_are_bounded_but_the_newest_is_kept():
    log = filled(5, max_bytes=1_000)
    log.append("c", token("x" * 5_000))
    assert seqs(log.after("c", 5, 10)) == [6]
    with pytest.raises(PositionGoneError):
        log.after("c", 4, 10)


def test_over_the_total_the_channel_written_longest_ago_is_trimmed_first():
    log = MemoryEventLog(total_bytes=10_000)
    for channel in ("old", "new"):
        log.open(channel)
        for _ in range(10):
            log.append(channel, token("x" * 100))
    for _ in range(5):
        log.append("new", token("x" * 2_000))
    with pytest.raises(PositionGoneError):
        log.after("old", 0, 100)
    assert log.last_seq("old") == 10
    assert log.append("old", token()).seq == 11
    assert seqs(log.after("new", 14, 100)) == [15]


def test_an_owner_that_writes_much_pushes_out_its_own():
    log = MemoryEventLog(total_bytes=20_000)
    log.open("ana's", "ana")
    log.append("ana's", token("x" * 500))
    for number in range(50):
        log.open(f"bob's {number}", "bob")
        log.append(f"bob's {number}", token("x" * 2_000))
    assert seqs(log.after("ana's", 0, 10)) == [1]
    assert seqs(log.after("bob's 49", 0, 10)) == [1]
    with pytest.raises(PositionGoneError):
        log.after("bob's 0", 0, 10)
    log.append("ana's", token("x" * 500))
    assert seqs(log.after("ana's", 0, 10)) == [1, 2], "what gives way is the largest holder's"


def test_an_owners_only_event_is_kept_at_the_cost_of_others():
    log = MemoryEventLog(total_bytes=1_000)
    for owner in ("ana", "bob"):
        log.open(owner, owner)
    log.append("ana", token("x" * 300))
    log.append("bob", token("x" * 5_000))
    assert seqs(log.after("bob", 0, 10)) == [1]
    with pytest.raises(PositionGoneError):
        log.after("ana", 0, 10)
    log.forget("bob")
    log.append("ana", token("x" * 300))
    assert seqs(log.after("ana", 1, 10)) == [2]


def test_one_event_over_the_total_is_kept_while_it_is_the_newest():
    log = MemoryEventLog(total_bytes=1_000)
    log.open("a")
    log.open("b")
    log.append("a", token("x" * 5_000))
    assert seqs(log.after("a", 0, 10)) == [1]
    log.append("b", token("y"))
    assert seqs(log.after("b", 0, 10)) == [1]
    with pytest.raises(PositionGoneError):
        log.after("a", 0, 10)


def test_a_forgotten_channel_begins_anew_with_another_epoch():
    log = MemoryEventLog()
    epoch = log.open("c")
    log.append("c", token())
    assert log.open("c") == epoch
    log.forget("c")
    assert log.open("c") != epoch
    assert log.last_seq("c") == 0
    log.forget("never there")


def test_what_was_forgotten_no_longer_counts_to_the_total():
    log = MemoryEventLog(total_bytes=3_000)
    for number in range(50):
        log.open(str(number))
        log.append(str(number), token("x" * 500))
        log.forget(str(number))
    log.open("a")
    log.append("a", token("x" * 500))
    log.append("a", token("x" * 500))
    assert len(log.after("a", 0, 10)) == 2


def test_a_run_is_found_among_others_and_cut_to_its_newest():
    log = MemoryEventLog()
    log.open("c")
    for run in ("one", "two", "one", "two"):
        log.append("c", token(run, run))
    assert seqs(log.of_run("c", "two", 10_000)) == [2, 4]
    size = len(log.of_run("c", "two", 10_000)[0].text)
    assert seqs(log.of_run("c", "two", size)) == [4]
    assert log.of_run("c", "three", 10_000) == []


@given(
    writes=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400)), max_size=80),
    max_events=st.integers(1, 10),
    total=st.integers(300, 4_000),
    owners=st.fixed_dictionaries({name: st.sampled_from(["ana", "bob"]) for name in "abc"}),
)
def test_any_reader_gets_everything_in_order_or_is_told_that_it_cannot(writes, max_events, total, owners):
    log = MemoryEventLog(max_events=max_events, max_bytes=2_000, total_bytes=total)
    written: dict[str, list[str]] = {name: [] for name in "abc"}
    for name in written:
        log.open(name, owners[name])
    for name, length in writes:
        text = f"{len(written[name])}:{'x' * length}"
        written[name].append(text)
        log.append(name, token(text))
        assert seqs(log.after(name, len(written[name]) - 1, 5)) == [len(written[name])]
    for name, texts in written.items():
        for position in range(len(texts) + 1):
            try:
                entries = log.after(name, position, 1_000)
            except PositionGoneError:
                continue
            assert [json.loads(entry.text)["content"] for entry in entries] == texts[position:]
