"""The one graph: process_input → (retrieve_context →) llm ⇄ tool_execution → final_answer.

Compiled once; what belongs to one run comes in its `RunContext`.
"""

from __future__ import annotations

from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent_core.nodes import Nodes
from agent_core.state import RunContext, RunState

Graph = CompiledStateGraph[RunState, RunContext, Any, Any]


async def _after_llm(state: RunState) -> Literal["tool_execution", "final_answer"]:
    # Asynchronous though it waits for nothing: LangGraph sends a plain function to a thread, at 1 ms a visit.
    return "tool_execution" if state["answers"][-1].tool_calls else "final_answer"


def build_graph(nodes: Nodes) -> Graph:
    """The compiled graph."""
    graph = StateGraph(RunState, context_schema=RunContext)
    graph.add_node("process_input", nodes.process_input)
    graph.add_node("retrieve_context", nodes.retrieve_context)
    graph.add_node("llm", nodes.llm)
    graph.add_node("tool_execution", nodes.tool_execution)
    graph.add_node("final_answer", nodes.final_answer)
    graph.add_edge(START, "process_input")
    graph.add_conditional_edges("process_input", nodes.after_input)
    graph.add_edge("retrieve_context", "llm")
    graph.add_conditional_edges("llm", _after_llm)
    graph.add_edge("tool_execution", "llm")
    graph.add_edge("final_answer", END)
    return graph.compile()


def recursion_limit(max_steps: int) -> int:
    """LangGraph's own limit, out of the way of ours: two supersteps a visit, both ends, the memory, one spare."""
    return 2 * max_steps + 5
