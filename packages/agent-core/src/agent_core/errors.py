"""Errors of a run, as a client sees them.

ApiError (service_kit)
├─ InputRefused          422 empty_input, invalid_text · 413 input_too_large
├─ GatewayUnavailable    503 llm_gateway_unavailable: not there, or gone in the middle of an answer
├─ GatewayRefused        whatever the gateway answered: its status, code and message
├─ ToolboxUnavailable    503 toolbox_unavailable
├─ DeadlineExceeded      504 deadline_exceeded
├─ StepLimitExceeded     422 step_limit_exceeded
└─ ThreadBusy            429 thread_busy: too many questions wait for one conversation
"""

from __future__ import annotations

from service_kit.errors import ApiError

_RETRY_SECONDS = 2.0


class InputRefused(ApiError):
    """The question itself cannot be taken."""


class GatewayUnavailable(ApiError):
    """The gateway cannot be reached, or left in the middle of an answer."""

    def __init__(self, message: str) -> None:
        super().__init__(503, "llm_gateway_unavailable", message, retry_after=_RETRY_SECONDS)


class GatewayRefused(ApiError):
    """The gateway answered with an error, which passes on as it is."""


class ToolboxUnavailable(ApiError):
    """The toolbox cannot be reached, or left in the middle of a call."""

    def __init__(self, message: str) -> None:
        super().__init__(503, "toolbox_unavailable", message, retry_after=_RETRY_SECONDS)


class DeadlineExceeded(ApiError):
    """The run took longer than it may."""

    def __init__(self, message: str) -> None:
        super().__init__(504, "deadline_exceeded", message)


class StepLimitExceeded(ApiError):
    """The model kept asking for tools."""

    def __init__(self, message: str) -> None:
        super().__init__(422, "step_limit_exceeded", message)


class ThreadBusy(ApiError):
    """Too many questions wait for one conversation."""

    def __init__(self, message: str) -> None:
        super().__init__(429, "thread_busy", message)
