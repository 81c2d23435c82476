from __future__ import annotations

from mcp_toolbox.approvals.used_approvals import MemoryUsedApprovals


async def test_an_operation_is_spent_once():
    used_approvals = MemoryUsedApprovals()
    until = 2e9 * 2
    assert await used_approvals.spend("one", until)
    assert await used_approvals.spend("two", until)
    assert not await used_approvals.spend("one", until)
    assert not await used_approvals.spend("one", until)


async def test_what_has_expired_is_forgotten():
    now = 100.0
    used_approvals = MemoryUsedApprovals(lambda: now)
    for i in range(1000):
        await used_approvals.spend(f"{i}", 100 + i)
    now = 599.5
    assert not await used_approvals.spend("999", 1099)
    assert len(used_approvals) == 500
    now = 5000
    await used_approvals.spend("last", 6000)
    assert len(used_approvals) == 1
