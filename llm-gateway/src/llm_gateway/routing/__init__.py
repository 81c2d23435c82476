"""From a route to an answer: which model is asked, how often, and which one stands in.

`router` asks; `attempts` chooses the next deployment, by `retry`, `balance` and `breakers`; `adapt` fits the request to
a model; `streams` watches a stream until its first word and after it; `continuation` lets another model go on where
one broke (`splicer` joins the two, `segments` adds up what both used).
"""

from llm_gateway.routing.adapt import check_supported
from llm_gateway.routing.retry import RetryPolicy
from llm_gateway.routing.routed import Routed
from llm_gateway.routing.router import Router
from llm_gateway.routing.segments import Segment, sum_usage
from llm_gateway.routing.streams import too_late, within

__all__ = ["RetryPolicy", "Routed", "Router", "Segment", "check_supported", "sum_usage", "too_late", "within"]
