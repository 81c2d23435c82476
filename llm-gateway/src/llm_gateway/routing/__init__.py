"""Who is asked, how often, and who instead: routes to answers.

`router` asks; `attempts` says who is next; `retry` whether once more, `balance` which deployment, `fitting` with which
parameters; `streams` are watched until they speak and after; `continuing` joins what broke to what goes on from there,
and `parts` adds up what both used.
"""

from llm_gateway.routing.adapt import check_supported
from llm_gateway.routing.retry import Patience
from llm_gateway.routing.routed import Answered
from llm_gateway.routing.router import Router
from llm_gateway.routing.segments import Part, together
from llm_gateway.routing.streams import too_late, within

__all__ = ["Answered", "Part", "Patience", "Router", "check_supported", "together", "too_late", "within"]
