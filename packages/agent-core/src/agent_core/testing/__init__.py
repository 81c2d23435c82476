"""Public fakes: a gateway that follows a script, a toolbox with telling tools, a wire that can be cut.

All three are real servers on loopback, so that what is tested is what runs.
"""

from agent_core.testing.gateway import Answer, ErrorEvent, Raw, Refusal, Reply, ScriptedGateway, call
from agent_core.testing.toolbox import FakeToolbox
from agent_core.testing.wire import Wire

__all__ = ["Answer", "ErrorEvent", "FakeToolbox", "Raw", "Refusal", "Reply", "ScriptedGateway", "Wire", "call"]
