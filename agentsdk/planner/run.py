"""Run: what the verbs of one run may reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from agentsdk.answer import Finding
from agentsdk.approval import Policy, Verdict
from agentsdk.events import Event
from agentsdk.evidence import Evidence, Passage
from agentsdk.intents import Intents
from agentsdk.memory import Memory
from agentsdk.messages import BrokenCall, Message, ToolCall
from agentsdk.models.model import Model
from agentsdk.plan import Plan, Step
from agentsdk.planner.intake import Brief
from agentsdk.planner.journal import Journal
from agentsdk.planner.ledger import Ledger
from agentsdk.planner.shape import Shape
from agentsdk.references import References
from agentsdk.toolbox import Toolbox


@dataclass(slots=True)
class Batch:
    """Steps that were asked for in one turn, and the calls that their results answer."""

    message: Message
    """The model's turn that asked for them."""
    steps: list[Step]
    plan_call: ToolCall | None = None
    """The call of make_plan, where the steps are those of a plan."""
    plan_steps: tuple[str, ...] = ()
    calls: dict[str, ToolCall] = field(default_factory=dict)
    """By step id: the tool call that a step of the direct loop answers."""
    fault: Literal["", "refused", "cut"] = ""
    """What is wrong with the plan: then `steps` are those that were done while it was written."""
    findings: str = ""
    """What the model is told of that."""
    repairs: bool = False
    """Whether the plan may be changed where it breaks."""
    permitted: bool = False
    """Whether a person has seen the whole plan and said yes."""


@dataclass(slots=True)
class Shelf:
    """What of a run's conversation is told in brief. Everything else is sent as it is."""

    turns: int = 0
    """How many of the earlier turns, the oldest first."""
    told: str = ""
    """The model's summary of the first of them; "" where there is none."""
    told_turns: int = 0
    """How many of them it covers; the rest was filtered."""
    exchanges: int = 0
    """How many of this run's exchanges with tools, the oldest first."""
    told_work: str = ""
    kept: set[str] = field(default_factory=set)
    """The ids of those that are sent word for word all the same, being like the question."""
    longest: int | None = None
    """Tokens of one result, where the latest results alone are too long."""
    room: int = 0
    """Tokens that the list of what was left out may take."""
    limit: int | None = None
    asked: bool = False
    """Whether `limit` was found out already."""


@dataclass(slots=True)
class Run:
    """One run of an agent: its means, its conversation and what it has found so far.

    A verb takes what it needs from here and leaves what it makes. langgraph's state holds none of this.
    """

    brief: Brief
    model: Model
    toolbox: Toolbox
    ledger: Ledger
    emit: Callable[[Event], None]
    references: References | None = None
    policy: Policy | None = None
    shape: Shape | None = None
    """What the answer must look like, when `output=` was given."""
    given: Plan | None = None
    """A plan to run as it is: the model is asked for none."""
    journal: Journal = field(default_factory=Journal)
    """What the run has fixed; it keeps nothing where the agent has no store."""
    checks: tuple[Any, ...] = ()
    """What the answer is held against, beside quotes and arithmetic."""
    agent: object = None
    """The agent whose run it is."""
    name: str = ""
    """Of a subagent's run: the name of the tool that it is."""
    around: tuple[str, ...] = ()
    """Of a subagent's run: the steps that it works in, outermost first."""
    line: tuple[tuple[str, int], ...] = ()
    """The agents whose runs stand in each other, outermost first: the tool that each is, and its identity."""
    inner: dict[str, Run] = field(default_factory=dict)
    """Runs of subagents of which a call waits for an approval."""
    asking: AbstractAsyncContextManager[Any] | None = None
    """Held while a person is asked, where runs that stand in each other could ask at once."""
    hold: bool = False
    """Whether the answer is shown only when it is settled: there is something that may never be shown."""

    intents: Intents | None = None
    """The kinds of requests that the agent takes; None where it makes no difference between them."""
    memory: Memory | None = None
    """When the conversation is made short; None: never."""

    messages: list[Message] = field(default_factory=list)
    """The whole conversation; what a model is sent of it is `memory.shown`."""
    shelf: Shelf = field(default_factory=Shelf)
    past: Mapping[str, Evidence] = field(default_factory=dict)
    """The results of the session's earlier runs: "t3.c1" is step c1 of its third turn."""
    asked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By the id of a call in `messages`: the steps whose results answer it."""
    steps: dict[str, Evidence] = field(default_factory=dict)
    """By step id, in the order in which they were asked for."""
    plan: Plan | None = None
    batch: Batch | None = None
    waiting: dict[str, ToolCall] = field(default_factory=dict)
    """By step id: calls that wait for a yes or a no."""
    asked_inside: set[str] = field(default_factory=set)
    """Of `waiting`: calls of subagents, whose runs have asked about them in vain."""
    unknown: dict[str, int] = field(default_factory=dict)
    """Of `waiting`, by step id: calls that were begun before a crash and may have been done, and how often begun. A
    plain policy is not asked about them: a yes would do it a second time."""
    verdicts: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    """What was decided about a step with these arguments, and about nothing else."""
    kept: dict[str, Step] = field(default_factory=dict)
    """By id: steps of a plan that was refused or cut, which were done while it was written."""
    repaired: set[str] = field(default_factory=set)
    """The ids of steps that failed and were repaired, or were found not to be."""
    patched: set[str] = field(default_factory=set)
    """The ids of steps that a repair brought: they are not repaired again."""
    lint_refused: int = 0
    refused_loops: int = 0
    broken: int = 0
    """Turns in which every call came cut or broken."""
    corrections: int = 0
    limit: str | None = None
    """The limit of the budget that ended the work."""
    thoughts: list[str] = field(default_factory=list)
    """What the model thought, a text a call. None of it is public."""
    draft: str | None = None
    """The answer as the model wrote it, marks and all."""
    second: Any = None
    """The independent second solution, where a check asked for one (a `second.Second`)."""
    first: Any = None
    """The draft that a correction was asked for, checked (a `verify.Checked`)."""
    refused: bool = False
    question_back: str | None = None
    """What the person has to say before the run can go on."""
    open_questions: dict[str, str] = field(default_factory=dict)
    """By the id of an ask step: the digest of its inputs, under which the person's answer is kept."""
    output: Any = None
    findings: list[Finding] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    """Those that were shown to the model: p1 is the first."""
    handed: dict[str, tuple[Passage, ...]] = field(default_factory=dict)
    """By the id of an element of a map: the passages behind it."""
    parts: dict[str, tuple[Step, Evidence]] = field(default_factory=dict)
    """By the id of an element of a map: what was done with it, so that a map run again does it once."""
    seen: dict[str, list[str]] = field(default_factory=dict)
    """By tool and arguments: the outcomes so far, for the loop guard."""

    def __post_init__(self) -> None:
        brief = self.brief
        if brief.told:
            self.shelf = Shelf(turns=brief.told_turns, told=brief.told, told_turns=brief.told_turns)

    def full(self, step: str) -> str:
        """Return a step's id with those of the steps around this run: "s2/s1". A person's decisions are kept by it."""
        return "/".join((*self.around, step))

    def number(self, passage: Passage) -> str:
        """Return the passage's id in this run's prompts, giving it one if it has none."""
        for at, known in enumerate(self.passages, 1):
            if (known.source, known.start, known.text) == (passage.source, passage.start, passage.text):
                return f"p{at}"
        self.passages.append(passage)
        return f"p{len(self.passages)}"

    def note(self, kind: Any, text: str) -> None:
        """Add a finding, once."""
        finding = Finding(kind, text)
        if finding not in self.findings:
            self.findings.append(finding)


def faults_of(calls: Sequence[BrokenCall]) -> str:
    """Return what is wrong with calls that came cut or broken, in one line."""
    return " ".join(f"{c.name or 'call'}: {c.fault}" for c in calls)
