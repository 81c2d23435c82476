from __future__ import annotations

from mcp_toolbox.approvals.used_approvals import MemoryLedger


async def test_an_operation_is_spent_once():
    ledger = MemoryLedger()
    until = 2e9 * 2
    assert await ledger.spend("one", until)
    assert await ledger.spend("two", until)
    assert not await ledger.spend("one", until)
    assert not await ledger.spend("one", until)


async def test_what_has_expired_is_forgotten():
    now = 100.0
    ledger = MemoryLedger(lambda: now)
    for i in range(1000):
        await ledger.spend(f"{i}", 100 + i)
    now = 599.5
    assert not await ledger.spend("999", 1099)
    assert len(ledger) == 500
    now = 5000
    await ledger.spend("last", 6000)
    assert len(ledger) == 1
