"""Wires the verbs of a run together. The only file that knows of langgraph.

    intake ── work ─┬─ approve ── work | verify
                    └─ compose ── verify ─┬─ compose    (one correction)
                                          └─ end

The state holds where the run stands and nothing else: what a run has found lies in the Run, which reaches the
nodes as langgraph's context. The steps of a plan are not nodes; `schedule` says why.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langsmith.run_helpers import tracing_context

from agentsdk.answer import Answer
from agentsdk.planner.approve import approve
from agentsdk.planner.choose import begin
from agentsdk.planner.compose import compose
from agentsdk.planner.consult import working
from agentsdk.planner.run import Run
from agentsdk.planner.verify import verify
from agentsdk.planner.work import work
from agentsdk.telemetry import invoking

_MOST_TURNS = 100
"""Nodes one run may pass; langgraph's own default of 10,007 is no guard. `work` loops inside itself."""


class State(TypedDict, total=False):
    """Where a run stands: plain JSON, as checkpoints need it."""

    next: str


async def drive(run: Run) -> Answer[Any]:
    """Return the answer of a run, having taken it through the graph.

    Raises:
        AgentError: the model could not be used, or the caller's plan or output type does not fit.

    """
    answers: list[Answer[Any]] = []
    with (
        quiet(),
        working(run),
        invoking(run.model.name, run.brief.question, run.name, run.journal.run_id) as watch,
    ):
        await _graph().ainvoke({}, context=_Context(run, answers), config={"recursion_limit": _MOST_TURNS})
        watch.answered(answers[0])
    return answers[0]


def quiet() -> AbstractContextManager[None]:
    """Return a context in which langsmith sends nothing.

    Prompts leave the machine for nobody but the model. LANGCHAIN_TRACING_V2 in the environment would send them
    otherwise, and wins over langsmith's own switch.
    """
    return tracing_context(enabled=False)


@dataclass(slots=True)
class _Context:
    """What langgraph hands to every node."""

    run: Run
    answers: list[Answer[Any]]


async def _intake(state: State, runtime: Runtime[_Context]) -> State:  # noqa: ARG001  # langgraph's form of a node
    run = runtime.context.run
    if run.messages:  # a subagent goes on, after one of its calls was decided
        return {}
    run.ledger.begin()
    begin(run)
    return {}


async def _work(state: State, runtime: Runtime[_Context]) -> State:  # noqa: ARG001  # langgraph's form of a node
    return {"next": await work(runtime.context.run)}


async def _approve(state: State, runtime: Runtime[_Context]) -> State:  # noqa: ARG001  # langgraph's form of a node
    return {"next": "work" if await approve(runtime.context.run) else "verify"}


async def _compose(state: State, runtime: Runtime[_Context]) -> State:  # noqa: ARG001  # langgraph's form of a node
    await compose(runtime.context.run)
    return {"next": "verify"}


async def _verify(state: State, runtime: Runtime[_Context]) -> State:  # noqa: ARG001  # langgraph's form of a node
    answer = await verify(runtime.context.run)
    if answer is None:
        return {"next": "compose"}
    runtime.context.answers.append(answer)
    return {"next": END}


def _next(state: State) -> str:
    return state["next"]


@cache
def _graph() -> Any:
    graph = StateGraph(State, context_schema=_Context)
    graph.add_node("intake", _intake)
    graph.add_node("work", _work)
    graph.add_node("approve", _approve)
    graph.add_node("compose", _compose)
    graph.add_node("verify", _verify)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", "work")
    graph.add_conditional_edges("work", _next, ["approve", "compose"])
    graph.add_conditional_edges("approve", _next, ["work", "verify"])
    graph.add_edge("compose", "verify")
    graph.add_conditional_edges("verify", _next, ["compose", END])
    return graph.compile()
