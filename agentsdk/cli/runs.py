"""The commands about runs that are kept: list, show, resume."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.text import Text

from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.cli import exits
from agentsdk.cli.board import clean
from agentsdk.cli.options import AsJson, StoreAt
from agentsdk.cli.show import console_for, follow, print_answer, usage_line
from agentsdk.cli.words import SpokenCommand
from agentsdk.errors import AgentError, ConfigurationError
from agentsdk.events import Finished
from agentsdk.i18n import _
from agentsdk.plan import Plan, Step, describe
from agentsdk.planner.asked import answer_in, command_in, waiting_in, what_was_asked
from agentsdk.store import Row, RunRecord, Store, open_store
from agentsdk.store.owner import shown

T = TypeVar("T")

Make = Callable[[Mapping[str, Any], Any], Agent]
"""Makes the agent of a command line's options; the second argument is the console for notes."""

RunId = Annotated[str, typer.Argument(metavar=_("RUN"), help=_("As `agentsdk runs` lists it."))]
Steps = Annotated[list[str] | None, typer.Option("--approve", metavar=_("STEP"), help=_("Let it run."))]
Denied = Annotated[
    list[str] | None, typer.Option("--deny", metavar=_("STEP[=REASON]"), help=_("Do not let it run."))
]
Happened = Annotated[
    list[str] | None,
    typer.Option("--done", metavar=_("STEP[=VALUE]"), help=_("It did happen before the crash, and gave this.")),
]
Again = Annotated[
    list[str] | None, typer.Option("--again", metavar=_("STEP"), help=_("It did not happen: do it again."))
]


def add(app: typer.Typer, make: Make) -> None:
    """Add the commands to the command line."""

    @app.command(cls=SpokenCommand, help=_("List the runs that are kept, the latest first."))
    def runs(
        store: StoreAt = None,
        limit: Annotated[int, typer.Option("--limit", metavar="N", help=_("At most so many."))] = 20,
        delete: Annotated[
            list[str] | None, typer.Option("--delete", metavar=_("RUN"), help=_("Delete it instead."))
        ] = None,
        prune: Annotated[
            float | None,
            typer.Option("--prune", metavar=_("DAYS"), help=_("Delete finished runs that are older instead.")),
        ] = None,
        as_json: AsJson = False,
    ) -> int:
        kept = _store(store)
        if delete or prune is not None:
            before = None if prune is None else time.time() - prune * 86_400
            gone = _wait(kept, kept.delete(*(delete or ()), before=before))
            print(json.dumps({"deleted": gone}) if as_json else _("deleted: {count}").format(count=gone))
            return exits.ANSWERED
        found = _wait(kept, kept.runs(limit=limit))
        if as_json:
            print(json.dumps([_as_json(r) for r in found], ensure_ascii=False, indent=2))
            return exits.ANSWERED
        out = console_for(sys.stdout)
        if not found:
            out.print(Text(_("There are no runs.")))
        for record in found:
            out.print(Text(clean(_line(record))))
        return exits.ANSWERED

    @app.command(cls=SpokenCommand, help=_("Show a run: its plan, how each step stands, its answer."))
    def show(run: RunId, store: StoreAt = None, as_json: AsJson = False) -> int:
        kept = _store(store)

        async def look() -> tuple[RunRecord, list[Row]]:
            return await kept.run(run), await kept.rows(run)

        record, rows = _wait(kept, look())
        asked, answer = what_was_asked(run, rows), answer_in(run, rows)
        plan = asked.given or (answer.plan if answer else None) or plan_in(rows)
        states = states_in(rows)
        if as_json:
            wire = _as_json(record) | {
                "question": asked.brief.question,
                "plan": plan.to_dict() if plan else None,
                "steps": states,
                "waiting": waiting_in(rows),
                "answer": answer.to_dict() if answer else None,
            }
            print(json.dumps(wire, ensure_ascii=False, indent=2))
            return exits.ANSWERED
        out = console_for(sys.stdout)
        out.print(Text(clean(_line(record, asked.brief.question)), style="bold"))
        for line in tree(plan, states):
            out.print(Text(clean(line)))
        if answer is not None:
            out.print(Text(clean(answer.text)))
            out.print(Text(usage_line(answer), style="dim"))
        return exits.ANSWERED

    @app.command(cls=SpokenCommand, help=_("Go on with a run that was stopped, killed, or waits for you."))
    def resume(
        run: RunId,
        store: StoreAt = None,
        approve: Steps = None,
        deny: Denied = None,
        done: Happened = None,
        again: Again = None,
        as_json: AsJson = False,
    ) -> int:
        out, err = console_for(sys.stdout), console_for(sys.stderr)
        kept = _store(store)
        options = command_in(_wait(kept, kept.rows(run)))
        if options is None:
            raise ConfigurationError(
                _("Run {run} was begun in a program, not by this command.").format(run=run),
                why=_("Its tools are that program's."),
                fix=_("Go on with it there: agent.resume({run!r})").format(run=run),
            )
        agent = make({**options, "store": kept.name if store is None else store}, err)
        decisions = _decisions(approve, deny, done, again)
        for event in follow(agent.resume_stream(run, decisions=decisions), err, quiet=as_json):
            if isinstance(event, Finished):
                answer = event.answer
        print(answer.to_json()) if as_json else print_answer(answer, out, err)
        tell_run(answer, err, quiet=as_json)
        return exits.of_outcome(answer.status)


def tell_run(answer: Answer[Any], err: Any, *, quiet: bool) -> None:
    """Say how to go on with a run that is kept and waits."""
    if answer.run_id and answer.status == "needs_approval" and not quiet:
        steps = " ".join(f"--approve {s.step}" for s in answer.steps if s.status == "pending")
        err.print(Text(clean(_("go on: agentsdk resume {run} {steps}").format(run=answer.run_id, steps=steps))))


def plan_in(rows: Sequence[Row]) -> Plan | None:
    """Return the plan that the model's replies hold, or as much of it as had come; None where it made none."""
    for row in rows:
        message = (row.value or {}).get("value", {}).get("message", {}) if row.kind == "call" else {}
        for call in message.get("calls", ()):
            if call["name"] == "make_plan":
                try:
                    return Plan.from_dict(call["arguments"])
                except AgentError:  # the model was told what is wrong with it
                    continue
    received = tuple(Step.from_dict(row.value) for row in rows if row.kind == "planned")
    return Plan(received) if received else None


def states_in(rows: Sequence[Row]) -> dict[str, str]:
    """Return by step how it stands: its status, or "unknown" where it was begun and has no end."""
    found = {}
    for row in rows:
        if row.kind == "step":
            found[row.step] = "unknown" if row.state == "started" else str(row.value["value"]["status"])
    return found


def tree(plan: Plan | None, states: Mapping[str, str]) -> list[str]:
    """Return the plan's lines with how each step stands; bare steps where there was no plan."""
    words = {
        "done": _("done"), "failed": _("failed"), "refused": _("refused"), "skipped": _("skipped"),
        "unknown": _("begun, outcome unknown"),
    }  # fmt: skip
    if plan is None:
        return [f"{step}  {words.get(state, state)}" for step, state in states.items()]
    told = {f"{s.id}  {describe(s)}": words.get(states.get(s.id, ""), _("not done")) for s in plan}
    lines = []
    for line in plan.tree().splitlines():
        state = next((word for text, word in told.items() if line.endswith(text)), "")
        lines.append(f"{line}  · {state}" if state else line)
    return lines


def _decisions(
    approve: Sequence[str] | None,
    deny: Sequence[str] | None,
    done: Sequence[str] | None,
    again: Sequence[str] | None,
) -> dict[str, object]:
    found: dict[str, object] = dict.fromkeys(approve or (), True)
    for text in deny or ():
        step, _sign, reason = text.partition("=")
        found[step] = reason or False
    for text in done or ():
        step, _sign, value = text.partition("=")
        try:
            found[step] = {"done": json.loads(value) if value else None}
        except ValueError:
            found[step] = {"done": value}
    return found | {step: {"again": True} for step in again or ()}


def _store(where: str | None) -> Store:
    if not where:
        raise ConfigurationError(
            _("There is no store named."),
            fix=_("Name it: --store runs.db, or set AGENTSDK_STORE."),
        )
    return open_store(where)


def _wait(store: Store, work: Coroutine[Any, Any, T]) -> T:
    async def go() -> T:
        try:
            return await work
        finally:
            await store.close()

    return asyncio.run(go())


def _status(record: RunRecord) -> str:
    if record.status == "running" and not record.held:
        return "interrupted"
    return record.status


def _line(record: RunRecord, question: str = "") -> str:
    words = {
        "running": _("running"), "waiting": _("waits for a person"), "stopped": _("stopped"), "done": _("done"),
        "interrupted": _("interrupted"),
    }  # fmt: skip
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.changed))
    status = words[_status(record)] + (f" ({shown(record.owner)})" if record.held else "")
    return f"{record.id}  {when}  {status}  {record.model}  {question or record.question}"


def _as_json(record: RunRecord) -> dict[str, Any]:
    return {
        "run_id": record.id,
        "status": _status(record),
        "created": record.created,
        "changed": record.changed,
        "session": record.thread,
        "model": record.model,
        "question": record.question,
    }
