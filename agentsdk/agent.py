"""The front door: an Agent is a model with tools, references and rules; it runs questions and plans."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, get_args, overload

from agentsdk import _bridge
from agentsdk.answer import Answer
from agentsdk.approval import ApprovalMode, Policy, policy_of
from agentsdk.budget import Budget
from agentsdk.checks.check import taken
from agentsdk.checks.second import Rule
from agentsdk.errors import AgentError, ConfigurationError, ModelError, OutputInvalid, RunChanged
from agentsdk.events import Event
from agentsdk.examples import Example
from agentsdk.feed import events_of
from agentsdk.function_tool import Tool
from agentsdk.i18n import _
from agentsdk.instructions import Instructions, Persona, Words
from agentsdk.intents import Intent, Intents
from agentsdk.media import Media
from agentsdk.memory import Memory
from agentsdk.messages import Message
from agentsdk.models.connect import connect
from agentsdk.models.facts import facts_known, served_by
from agentsdk.models.model import Model
from agentsdk.plan import Plan
from agentsdk.planner.approve import refuse_misfits
from agentsdk.planner.asked import Asked, answer_in, first_rows, new_run_id, waiting_in, what_was_asked
from agentsdk.planner.consult import DEPTH, Subagent, as_tool, tool_name
from agentsdk.planner.intake import Brief, PlanMode, intake
from agentsdk.planner.journal import Journal, decision_rows
from agentsdk.planner.ledger import Ledger, unknown_price
from agentsdk.planner.run import Run
from agentsdk.planner.session import PATIENCE, Past, add, held
from agentsdk.planner.shape import Shape
from agentsdk.prices import price_of
from agentsdk.references import References
from agentsdk.sessions import Sessions
from agentsdk.store import Row, Store, open_store
from agentsdk.toolbox import AsTool, Toolbox, gather

T = TypeVar("T")


Attached = Sequence[str | Path | bytes | Media]
"""What belongs to a question beside its text."""


class Agent:
    """A model with tools, references and rules.

    An Agent keeps nothing of a run: it can be used from several threads and tasks at once. To go on with a
    conversation, give `history=answer.messages` to the next run, or have a store keep it: `session="anna"`.

    Args:
        model: "provider:name" ("openai:gpt-4o-mini", "ollama:llama3.1:8b", "dashscope:qwen-plus",
            "offline:extract"), any LangChain chat model, or an object with the `Model` protocol.
        tools: functions, Tools made by `@tool`, or names of registered tools ("calculator", "files:docs").
        references: texts to answer from; the model gets them as the tool `look_up`.
        instructions: how this agent is to answer; they stand before our own. A text, a Path to a Markdown file, both
            languages ({"en": ..., "zh": ...}), a `Persona`, or `Instructions` (agentsdk.instructions).
        plan: "auto" lets the model plan when it pays, "never" does not, "always" asks for a plan first.
        approve: who decides about calls of tools with `needs_approval`: "calls" (the terminal is asked), "never",
            "plan" (it is shown each whole plan first), or a function from a ToolCall to True, False, a reason, `Edit`
            or None. Without one, such a run ends as `needs_approval`, and `answer.waiting` says what waits.
        budget: how much one run may use.
        store: where runs are kept, so that one that was killed, or waits for a person, goes on by `resume`: a path
            ("runs.db"), an address ("postgresql://user@host/runs"), or a Store.
        checks: what every answer is held against: those of `agentsdk.checks`, and functions that take the answer and
            return its faults. Faults go back to the model once; what remains is in `answer.findings`.
        intents: kinds of requests with instructions, tools, examples and needed details of their own
            (agentsdk.intents).
        examples: questions and how this agent answers them (agentsdk.examples). They are checked now, and those that
            are most like a question are shown to the model.
        memory: when a long conversation is made short, and how (agentsdk.memory). Without it: by a summary, where six
            tenths of the model's window are full.

    Raises:
        ConfigurationError: the model, a tool or an option is not what it should be. No call is made.

    """

    def __init__(
        self,
        model: str | Model | Any,
        *,
        tools: Iterable[str | Tool[Any, Any] | Callable[..., Any] | AsTool] = (),
        references: References | None = None,
        instructions: Words | Persona | Instructions = "",
        plan: PlanMode = "auto",
        approve: Policy | ApprovalMode | None = None,
        budget: Budget | None = None,
        store: str | os.PathLike[str] | Store | None = None,
        checks: Iterable[Rule] = (),
        intents: Iterable[Intent] = (),
        examples: Iterable[Example] = (),
        memory: Memory | None = None,
    ) -> None:
        if plan not in get_args(PlanMode):
            raise ConfigurationError(
                _("plan={plan!r} is not known.").format(plan=plan), fix='"never", "auto", "always"'
            )
        if isinstance(tools, str):
            tools = [tools]
        if references is not None and not isinstance(references, References):
            raise ConfigurationError(
                _("references must be a References, not {kind}.").format(kind=type(references).__name__),
                fix='references=References.from_files("handbook.md")',
            )
        self._model = connect(model)
        self._references = references
        look_up = [references.as_tool()] if references is not None else []
        self._toolbox = Toolbox([*look_up, *gather(tools)])
        self._instructions = Instructions.of(instructions)
        self._plan = plan
        self._approve = policy_of(approve)
        self._budget = budget or Budget()
        self._price = price_of(self._model.name, served_by(self._model).url, self._budget.prices)
        if self._budget.cost is not None and self._price is None and self._budget.unknown_price == "refuse":
            raise unknown_price(self._model.name)
        self._store = None if store is None else open_store(store)
        self._checks = taken(checks)
        self._intents = Intents(intents, self._toolbox, tuple(examples))
        self._memory = memory or Memory()

    @property
    def model(self) -> Model:
        """The model that answers."""
        return self._model

    @property
    def tools(self) -> Toolbox:
        """The tools that the model is offered, `look_up` included."""
        return self._toolbox

    @property
    def sessions(self) -> Sessions:
        """The conversations that the store keeps: `list`, `show`, `delete`.

        Raises:
            ConfigurationError: the agent has no store.

        """
        return Sessions(self._kept_in())

    @overload
    def run(
        self,
        question: str | Plan,
        *,
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> Answer[str]: ...
    @overload
    def run(
        self,
        question: str | Plan,
        *,
        output: type[T],
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> Answer[T]: ...
    def run(
        self,
        question: str | Plan,
        *,
        output: Any = None,
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> Answer[Any]:
        """Answer a question and wait for it; works in a notebook as well.

        Args:
            question: what to answer; or a Plan, which is run as it is.
            output: a type (pydantic model, dataclass, TypedDict, list[str], ...): `answer.output` is one.
                It is None where the status is not "answered".
            history: the turns before, as `answer.messages` holds them.
            media: pictures, sound, video or documents that belong to the question: paths, addresses, bytes or
                `Media`.
            session: the name of a conversation that the store keeps: its earlier turns come back, and this one is
                added. Runs of one session come one after another.

        Raises:
            QuestionError: the question is empty or not text.
            MediaUnreadable: one of `media` is not there, or is none.
            ModelError: the model could not be used; `error.partial` is an Answer with what was done so far.
            OutputInvalid: the answer does not fit `output`, also after a correction.
            PlanError: the plan given cannot run; nothing of it was run.
            RunHeld: another run was at work in the session for too long.
            ConfigurationError: there is a session and no store, or a history beside it.

        """
        return _bridge.wait(self.arun(question, output=output, history=history, media=media, session=session))

    @overload
    async def arun(
        self,
        question: str | Plan,
        *,
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> Answer[str]: ...
    @overload
    async def arun(
        self,
        question: str | Plan,
        *,
        output: type[T],
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> Answer[T]: ...
    async def arun(
        self,
        question: str | Plan,
        *,
        output: Any = None,
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> Answer[Any]:
        """Answer a question: `run` for async code."""
        return await self._answer(question, output, history, media, session, _ignore)

    def stream(
        self,
        question: str | Plan,
        *,
        output: Any = None,
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> Iterator[Event]:
        """Yield what happens while a question is answered; the last event is `Finished(answer)`.

        Closing the iterator cancels the run. Arguments and errors are those of `run`.
        """
        return _bridge.iterate(
            self.astream(question, output=output, history=history, media=media, session=session)
        )

    async def astream(
        self,
        question: str | Plan,
        *,
        output: Any = None,
        history: Sequence[Message] = (),
        media: Attached = (),
        session: str | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Yield what happens: `stream` for async code."""
        run_id = "" if self._store is None else new_run_id()
        async with aclosing(
            events_of(
                lambda emit: self._answer(question, output, history, media, session, emit, run_id), run_id
            )
        ) as events:
            async for event in events:
                yield event

    def resume(
        self, run_id: str, *, decisions: Mapping[str, object] | None = None, output: Any = None
    ) -> Answer[Any]:
        """Go on with a run that was killed, was stopped or waits for a person, and return its answer.

        What it has finished is taken from the store and not done again. A run that is complete is not run: its answer
        is returned as it was.

        Args:
            run_id: `answer.run_id` of what came back, or as `agentsdk runs` lists it.
            decisions: what a person decides about what waits, by `Waiting.key` or by the step's id: True, False, a
                reason, `Edit`; about a call whose outcome a crash left unknown `Done(value)`, True (do it again), or a
                reason to leave it.
            output: the same as `run` was given.

        Raises:
            RunUnknown: the store has no such run.
            RunHeld: another process, or another task, is running it.
            RunChanged: this agent has another model or other tools; the message names what differs.
            ConfigurationError: the agent has no store, or a decision is about nothing that waits.
            StoreError: the store cannot be used, or is damaged.
            AgentError: as `run`.

        """
        return _bridge.wait(self.aresume(run_id, decisions=decisions, output=output))

    async def aresume(
        self, run_id: str, *, decisions: Mapping[str, object] | None = None, output: Any = None
    ) -> Answer[Any]:
        """Go on with a run: `resume` for async code."""
        return await self._resume(run_id, decisions or {}, output, _ignore)

    def resume_stream(
        self, run_id: str, *, decisions: Mapping[str, object] | None = None, output: Any = None
    ) -> Iterator[Event]:
        """Yield what happens while a run goes on; what is taken from the store comes as `StepDone(reused=True)`."""
        return _bridge.iterate(self.aresume_stream(run_id, decisions=decisions, output=output))

    async def aresume_stream(
        self, run_id: str, *, decisions: Mapping[str, object] | None = None, output: Any = None
    ) -> AsyncGenerator[Event, None]:
        """Yield what happens: `resume_stream` for async code."""
        async with aclosing(
            events_of(lambda emit: self._resume(run_id, decisions or {}, output, emit), run_id)
        ) as events:
            async for event in events:
                yield event

    def plan(self, question: str, *, history: Sequence[Message] = (), media: Attached = ()) -> Plan | None:
        """Return the plan that the model would run, and run nothing of it; None where it would answer at once.

        Tool calls without a plan are shown as a plan of independent steps. The plan can be edited and given to
        `run`. Errors are those of `run`.
        """
        return _bridge.wait(self.aplan(question, history=history, media=media))

    async def aplan(
        self, question: str, *, history: Sequence[Message] = (), media: Attached = ()
    ) -> Plan | None:
        """Return the plan: `plan` for async code."""
        from agentsdk.planner.graph import quiet
        from agentsdk.planner.work import propose

        with quiet():
            return await propose(self._open(question, None, history, _ignore, media))

    def as_tool(
        self, *, name: str = "", description: str = "", share: float = 0.3, depth: int = DEPTH
    ) -> Tool[Any, Any]:
        """Return this agent as a tool of another: it takes a question, and context that it may use.

        `tools=[other]` is the same with what stands here. It has its own tools and instructions, and no others;
        approvals are asked of whoever decides for the agent that asks. Its own store is not used.

        Args:
            name: the tool's; without one the persona's, or "agent".
            description: what it is good for: the model decides by it. Without one: its instructions' first line.
            share: the part of what is left of the asking run's budget that one question may use, above 0 and up to 1.
            depth: how many agents may stand above it.

        Raises:
            ConfigurationError: the share, the depth or the name is not what it should be.

        """

        def open_run(question: str) -> Run:
            return self._open(question, None, (), _ignore, ())

        who = self._instructions.persona.name if self._instructions.persona else ""
        sub = Subagent(self, open_run, self._drive, name or tool_name(who), share, depth)
        told = self._instructions.parts("en")
        return as_tool(
            sub, description, told, self._intents.every_tool(), self._model.name, self._budget.seconds
        )

    def _open(
        self,
        question: str | Plan,
        output: Any,
        history: Sequence[Message],
        emit: Callable[[Event], None],
        media: Attached,
        run_id: str = "",
        session: str = "",
        past: Past | None = None,
    ) -> Run:
        given = question if isinstance(question, Plan) else None
        text = (given.question or given.tree()) if given else question
        brief = intake(
            text,  # type: ignore[arg-type]  # anything else than text is refused by intake
            instructions=self._instructions,
            sources=self._references.sources if self._references else (),
            has_tools=len(self._toolbox) > 0,
            plan=self._plan,
            history=history,
            media=[Media.of(m) for m in media],
            intents=self._intents,
        )
        shape = None if output is None or output is str else Shape(output)
        id_ = run_id or new_run_id()
        journal = Journal() if self._store is None else Journal(self._store, id_, thread=session)
        if past is not None:
            brief = past.into(brief)
        return self._make_run(brief, emit, shape, given, journal, past)

    def _make_run(
        self,
        brief: Brief,
        emit: Callable[[Event], None],
        shape: Shape | None,
        given: Plan | None,
        journal: Journal,
        past: Past | None = None,
    ) -> Run:
        """Return a run of this agent, new or resumed."""
        toolbox = self._intents.toolbox(brief.chosen.intent if brief.chosen else "")
        return Run(
            brief,
            self._model,
            self._intents.every_tool() if given else toolbox,
            Ledger(self._budget, price=self._price, longest=facts_known(self._model).output),
            emit,
            self._references,
            self._approve,
            shape,
            given,
            journal,
            checks=self._checks,
            hold=any(getattr(c, "hold", False) for c in self._checks),
            intents=self._intents,
            memory=self._memory,
            past=past.steps if past else {},
            agent=self,
        )

    async def _answer(
        self,
        question: str | Plan,
        output: Any,
        history: Sequence[Message],
        media: Attached,
        session: str | None,
        emit: Callable[[Event], None],
        run_id: str = "",
    ) -> Answer[Any]:
        """Return the answer to a question, alone or as the next turn of a session."""
        if session is None:
            return await self._drive(self._open(question, output, history, emit, media, run_id))
        if history:
            raise ConfigurationError(
                _("A question has a session or a history, not both."),
                fix=_("Leave history= out: the session has its turns."),
            )
        store = self._kept_in()
        async with held(store, session, self._budget.seconds or PATIENCE) as past:
            return await self._drive(
                self._open(question, output, past.messages, emit, media, run_id, session, past)
            )

    def _kept_in(self) -> Store:
        if self._store is None:
            raise ConfigurationError(
                _("Sessions are kept in a store, and the agent has none."), fix='Agent(..., store="runs.db")'
            )
        return self._store

    async def _resume(
        self, run_id: str, decisions: Mapping[str, object], output: Any, emit: Callable[[Event], None]
    ) -> Answer[Any]:
        if self._store is None:
            raise ConfigurationError(
                _("There is nothing to resume from."),
                why=_("The agent has no store."),
                fix='Agent(..., store="runs.db")',
            )
        rows = await self._store.rows(run_id)
        asked = what_was_asked(run_id, rows)
        shape = asked.shape_of(output)
        answer = answer_in(run_id, rows, shape)
        if not asked.thread:
            return answer or await self._go_on(run_id, asked, rows, decisions, shape, emit)
        if answer is not None:
            past = Past(await self.sessions.ashow(asked.thread)).first(asked.brief.session_turns)
            return replace(answer, messages=(*past.messages, *answer.messages))
        async with held(self._store, asked.thread, self._budget.seconds or PATIENCE) as now:
            return await self._go_on(run_id, asked, rows, decisions, shape, emit, now)

    async def _go_on(
        self,
        run_id: str,
        asked: Asked,
        rows: Sequence[Row],
        decisions: Mapping[str, object],
        shape: Shape | None,
        emit: Callable[[Event], None],
        now: Past | None = None,
    ) -> Answer[Any]:
        """Go on with a run that is not complete, with the session as it was when the run began."""
        brief, past = asked.brief, None
        asked.same_agent(run_id, self._model, self._intents.every_tool(), tuple(self._intents))
        if now is not None:
            past = now.first(brief.session_turns)
            if len(past.turns) < brief.session_turns:
                raise RunChanged(
                    _("The session {name} of run {run} was deleted.").format(name=asked.thread, run=run_id),
                    why=_("The turns before its question are gone."),
                    fix=_("Ask the question anew."),
                )
            brief = replace(brief, history=past.messages)
        journal = Journal(self._store, run_id, thread=asked.thread)
        run = self._make_run(brief, emit, shape, asked.given, journal, past)
        waiting = waiting_in(rows)
        decided = decision_rows(decisions, waiting)
        refuse_misfits(decisions, waiting, run)
        return await self._drive(run, decided)

    async def _drive(self, run: Run, decided: Sequence[Row] | None = None) -> Answer[Any]:
        """Return the answer of a run: a new one, or, where `decided` is given, one that goes on with that."""
        # langgraph costs half a second to import: it is paid by the first run, not by `import agentsdk`.
        from agentsdk.planner.graph import drive

        first, rows = (None, decided) if decided is not None else first_rows(run)
        try:
            async with run.journal.held(first, rows):
                run.verdicts |= run.journal.decisions()
                answer = replace(await drive(run), run_id=run.journal.run_id)
                waits = [{"step": w.step, "digest": w.digest, "tool": w.tool} for w in answer.waiting]
                waits += [{"step": id_, "digest": hash_} for id_, hash_ in run.open_questions.items()]
                kept = answer
                if run.journal.thread:
                    kept = replace(answer, messages=answer.messages[-2:])  # the session has the others
                    if answer.status != "needs_approval":
                        # Before the run is complete: a crash in between adds it when the run is gone on with.
                        await add(
                            self._kept_in(),
                            run.journal.thread,
                            run,
                            answer,
                            asks=answer.status == "needs_input" and bool(waits),
                        )
                await run.journal.close(kept, waits)
        except AgentError as error:
            if isinstance(error, (ModelError, OutputInvalid)) and not isinstance(error.partial, Answer):
                from agentsdk.planner.verify import so_far

                error.partial = replace(so_far(run, error.partial), run_id=run.journal.run_id)
            raise
        return answer


def _ignore(event: Event) -> None:
    """Take an event and do nothing with it."""
