import asyncio

import pytest
from agent_core.errors import ThreadBusy
from agent_core.threads.threads import MAX_WAITING, Threads, closed_turn, trimmed
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage


def made(max_threads: int = 3, max_messages: int = 100, max_chars: int = 10_000) -> Threads:
    return Threads(max_threads=max_threads, max_messages=max_messages, max_chars=max_chars)


async def say(threads: Threads, user: str, thread_id: str, text: str) -> list:
    async with threads.turn(user, thread_id, busy="busy") as thread:
        before = thread.messages
        thread.messages = [*before, HumanMessage(text)]
    return before


def calls(*ids: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "add", "args": {}, "id": id_} for id_ in ids])


async def test_a_thread_remembers():
    threads = made()
    await say(threads, "ana", "t", "uno")
    assert [message.content for message in await say(threads, "ana", "t", "dos")] == ["uno"]


async def test_the_same_id_of_another_user_is_another_thread():
    threads = made()
    await say(threads, "ana", "t", "uno")
    assert await say(threads, "eva", "t", "dos") == []


async def test_the_thread_not_used_for_longest_is_forgotten_first():
    threads = made(max_threads=3)
    for thread_id in ("a", "b", "c", "a", "d"):
        await say(threads, "ana", thread_id, "x")
    assert len(threads) == 3
    assert len(await say(threads, "ana", "a", "x")) == 2
    assert await say(threads, "ana", "b", "x") == []


async def test_a_user_with_many_threads_pushes_out_their_own():
    threads = made(max_threads=4)
    await say(threads, "ana", "mine", "x")
    await say(threads, "eva", "mine", "x")
    for number in range(20):
        await say(threads, "bob", str(number), "x")
    assert len(threads) == 4
    assert len(await say(threads, "ana", "mine", "x")) == len(await say(threads, "eva", "mine", "x")) == 1
    assert len(await say(threads, "bob", "19", "x")) == 1


async def test_among_users_with_as_many_the_one_not_seen_for_longest_loses_a_thread():
    threads = made(max_threads=3)
    for number in range(10):
        await say(threads, f"user {number}", "t", "x")
    assert len(threads) == 3
    assert [len(await say(threads, f"user {number}", "t", "x")) for number in (9, 8, 7)] == [1, 1, 1]


async def test_a_user_whose_threads_are_all_in_use_costs_no_other_theirs():
    threads = made(max_threads=2)
    await say(threads, "ana", "mine", "x")
    async with threads.turn("bob", "1", busy=""), threads.turn("bob", "2", busy=""), threads.turn("bob", "3", busy=""):
        await say(threads, "eva", "hers", "x")
        assert len(await say(threads, "ana", "mine", "x")) == 1
        assert len(await say(threads, "eva", "hers", "x")) == 1


async def test_a_thread_in_use_is_not_forgotten():
    threads = made(max_threads=1)
    await say(threads, "ana", "a", "uno")
    async with threads.turn("ana", "a", busy="") as thread:
        await say(threads, "ana", "b", "x")
        assert len(thread.messages) == 1
    assert len(await say(threads, "ana", "a", "dos")) == 1


async def test_a_thread_in_which_nothing_was_said_takes_no_room():
    threads = made()
    async with threads.turn("ana", "t", busy=""):
        pass
    assert len(threads) == 0


async def test_turns_come_in_order_and_a_few_may_wait():
    threads, order = made(), []

    async def turn(number: int) -> None:
        async with threads.turn("ana", "t", busy="wait"):
            order.append(number)
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(turn(number)) for number in range(MAX_WAITING + 2)]
    await asyncio.sleep(0)
    assert threads.waiting("ana", "t") == MAX_WAITING + 1
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results if result] == [ThreadBusy]
    assert order == list(range(MAX_WAITING + 1))
    assert threads.waiting("ana", "t") == 0


async def test_a_turn_that_fails_gives_the_thread_back():
    threads = made()
    with pytest.raises(ValueError, match="x"):
        async with threads.turn("ana", "t", busy=""):
            raise ValueError("x")
    assert await asyncio.wait_for(say(threads, "ana", "t", "y"), 8) == []


TURNS = [
    HumanMessage("uno"), calls("c"), ToolMessage("1", tool_call_id="c"), AIMessage("a"),
    HumanMessage("dos"), AIMessage("b"),
    HumanMessage("tres"), AIMessage("c"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("max_messages", "max_chars", "kept"),
    [(8, 1000, 8), (7, 1000, 4), (4, 1000, 4), (3, 1000, 2), (1, 1000, 2), (8, 5, 2), (8, 9, 4), (8, 0, 2)],
)
def test_whole_turns_are_kept_the_newest_first(max_messages: int, max_chars: int, kept: int):
    assert trimmed(TURNS, max_messages, max_chars) == TURNS[-kept:]


def test_nothing_trimmed_is_nothing():
    assert trimmed([], 10, 10) == []


def test_every_open_call_is_closed_right_after_those_that_ended():
    messages = [HumanMessage("x"), calls("c1", "c2", "c3"), ToolMessage("uno", tool_call_id="c1")]
    whole = closed_turn(messages, {"c2": "dos"}, "cut", "[end]")
    assert [(message.type, message.content) for message in whole[2:]] == [
        ("tool", "uno"), ("tool", "dos"), ("tool", "cut"), ("ai", "[end]"),
    ]  # fmt: skip
    assert [message.tool_call_id for message in whole[2:5]] == ["c1", "c2", "c3"]


def test_ids_that_come_again_are_told_apart():
    messages = [HumanMessage("x"), calls("c"), ToolMessage("uno", tool_call_id="c"), calls("c")]
    whole = closed_turn(messages, {}, "cut", "[end]")
    assert [message.content for message in whole[2:]] == ["uno", "", "cut", "[end]"]


def test_a_turn_without_calls_only_gets_its_ending():
    assert [message.content for message in closed_turn([HumanMessage("x")], {}, "cut", "[end]")] == ["x", "[end]"]
