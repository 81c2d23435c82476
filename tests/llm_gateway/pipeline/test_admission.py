from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_gateway.errors import GatewaySaturated, ProviderSaturated
from llm_gateway.pipeline.admission import AdmissionControl, TicketState


def test_a_place_is_given_back_once_however_a_ticket_ends():
    control = AdmissionControl(1, 1)
    ticket = control.admit()
    with pytest.raises(GatewaySaturated) as refused:
        control.admit()
    assert (refused.value.status, refused.value.code, refused.value.headers()) == (
        503, "gateway_saturated", {"retry-after": "1"},
    )  # fmt: skip
    ticket.settle()
    ticket.release()
    assert ticket.state is TicketState.SETTLED and control.callers == 0
    other = control.admit()
    other.release()
    other.settle()
    assert other.state is TicketState.RELEASED and control.callers == 0


def test_each_provider_has_its_own_places():
    control = AdmissionControl(9, 1)
    hung = control.dispatch("a")
    with pytest.raises(ProviderSaturated, match="'a'"):
        control.dispatch("a")
    control.dispatch("b").release()
    hung.release()
    assert control.calls("a") == control.calls("b") == 0
    control.dispatch("a").release()


@given(st.lists(st.tuples(st.sampled_from(["admit", "a", "b"]), st.sampled_from(["settle", "release", "both"]))))
def test_whatever_comes_all_places_are_free_at_the_end(calls: list[tuple[str, str]]):
    control = AdmissionControl(3, 2)
    held = []
    for what, end in calls:
        try:
            held.append((control.admit() if what == "admit" else control.dispatch(what), end))
        except (GatewaySaturated, ProviderSaturated):
            for ticket, how in held:
                if how != "release":
                    ticket.settle()
                if how != "settle":
                    ticket.release()
            held = []
    for ticket, _ in held:
        ticket.release()
    assert (control.callers, control.calls("a"), control.calls("b")) == (0, 0, 0)
