"""Who is asked, how often, and who instead: routes to answers.

`router` asks; `attempts` says who is next; `retry` whether once more, `balance` which deployment, `fitting` with which
parameters; `streams` are watched until they speak and after.
"""

from llm_gateway.routing.fitting import check_supported
from llm_gateway.routing.retry import Patience
from llm_gateway.routing.router import Answered, Router
from llm_gateway.routing.streams import too_late, within

__all__ = ["Answered", "Patience", "Router", "check_supported", "too_late", "within"]
