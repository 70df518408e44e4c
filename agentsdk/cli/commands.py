"""The commands: what each takes, and what it prints."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from agentsdk import toolbox
from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.budget import Usage
from agentsdk.cli import exits, runs
from agentsdk.cli.board import clean
from agentsdk.cli.made import (
    DEFAULT_TOOLS,
    agent_of,
    budget_of,
    model_of,
    plan_of,
    question_of,
    references_of,
    toolbox_of,
    tools_of,
)
from agentsdk.cli.models import show_model, show_models
from agentsdk.cli.options import (
    Approve,
    AsJson,
    BaseUrl,
    Calls,
    Cost,
    Embed,
    Mode,
    ModelName,
    PlanFile,
    PlanMode,
    Question,
    Refs,
    Seconds,
    SessionName,
    StoreAt,
    Tokens,
    Tools,
    Trace,
)
from agentsdk.cli.show import console_for, follow, print_answer, print_trace
from agentsdk.cli.words import SpokenCommand, SpokenGroup, wrong_use
from agentsdk.errors import AgentError, ConfigurationError
from agentsdk.events import Finished
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.model import Model
from agentsdk.plan import Plan
from agentsdk.planner.asked import begun_by
from agentsdk.planner.lint import check_plan
from agentsdk.trace import TraceFile, read

_EXITS = _(
    "Exit codes: 0 answered, 1 failed, 2 wrong use, 3 not found, 4 over budget, 5 refused, 6 model unreachable, "
    "7 needs input, 8 needs approval."
)

app = typer.Typer(
    name="agentsdk",
    cls=SpokenGroup,
    help=_("Agents that use tools, and a proof of what they did."),
    epilog=_EXITS,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Errors are printed; only Ctrl-C and a broken pipe come through."""
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    err = console_for(sys.stderr)
    try:
        code = app(args=arguments, standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        raise KeyboardInterrupt from None
    except AgentError as error:
        if debug:
            traceback.print_exc()
        if "--json" in arguments:
            print_error_as_json(error)
        else:
            err.print(Text(clean(_("Error: {what}").format(what=error)), style="red"))
            if isinstance(error.partial, Answer) and (error.partial.steps or error.partial.text):
                err.print(Text(clean(_("Done so far: {what}").format(what=_so_far(error.partial)))))
        return exits.of_error(error)
    except BrokenPipeError:
        raise
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # Typer's own: wrong use
            if "--json" in arguments:
                print_error_as_json(ConfigurationError(wrong_use(error)))
            else:
                if what := wrong_use(error):
                    err.print(Text(clean(_("Error: {what}").format(what=what)), style="red"))
                err.print(Text(_("Try: {command} --help").format(command=_path(error))))
            return int(error.exit_code)
        if debug:
            traceback.print_exc()
        err.print(Text(clean(_("Error: {what}").format(what=f"{type(error).__name__}: {error}")), style="red"))
        err.print(
            Text(
                _("This is a fault of agentsdk. Run it again with --debug to see where, and please report it.")
            )
        )
        return exits.FAILED
    return int(code or 0)


def _path(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context else "agentsdk"


def print_error_as_json(error: AgentError) -> None:
    """Print the object that --json promises, for a run that failed."""
    partial = error.partial if isinstance(error.partial, Answer) else Answer("", "", "failed", usage=Usage())
    wire = partial.to_dict() | {"status": "failed"}
    wire["error"] = {"type": type(error).__name__, "what": error.what, "why": error.why, "fix": error.fix}
    print(json.dumps(wire, ensure_ascii=False, indent=2))


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help=_("Show the version."))] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        print(f"agentsdk {installed('agentsdk')}")
        raise typer.Exit


@app.command(cls=SpokenCommand, help=_("Answer one question."), epilog=_EXITS)
def ask(
    question: Question = None,
    ref: Refs = None,
    embeddings: Embed = None,
    model: ModelName = None,
    base_url: BaseUrl = None,
    tool: Tools = None,
    plan: Mode = "auto",
    budget_calls: Calls = None,
    budget_tokens: Tokens = None,
    budget_seconds: Seconds = None,
    budget_cost: Cost = None,
    approve: Approve = "calls",
    trace: Trace = None,
    plan_file: PlanFile = None,
    store: StoreAt = None,
    as_json: AsJson = False,
) -> int:
    out, err = console_for(sys.stdout), console_for(sys.stderr)
    asked = question_of(question) if plan_file is None else plan_of(plan_file, question)
    options = {
        "model": model, "base_url": base_url, "ref": ref, "tool": tool, "plan": plan, "calls": budget_calls,
        "tokens": budget_tokens, "seconds": budget_seconds, "cost": budget_cost, "store": store or None,
        "approve": approve, "embeddings": embeddings,
    }  # fmt: skip
    agent = agent_of(options, err)
    # What was chosen where nothing was named may be chosen otherwise tomorrow. Only the run's own file keeps it.
    with begun_by({**options, "model": agent.model.name, "store": None}):
        answer = _run(agent, asked, (), trace, err, quiet=as_json)
    if as_json:
        print(answer.to_json())
    else:
        print_answer(answer, out, err)
    runs.tell_run(answer, err, quiet=as_json)
    return exits.of_outcome(answer.status)


@app.command(
    cls=SpokenCommand,
    help=_("Talk: several questions, each with the answers before it in mind."),
    epilog=_EXITS,
)
def chat(
    ref: Refs = None,
    embeddings: Embed = None,
    model: ModelName = None,
    base_url: BaseUrl = None,
    tool: Tools = None,
    plan: Mode = "auto",
    budget_calls: Calls = None,
    budget_tokens: Tokens = None,
    budget_seconds: Seconds = None,
    budget_cost: Cost = None,
    approve: Approve = "calls",
    trace: Trace = None,
    store: StoreAt = None,
    session: SessionName = None,
) -> int:
    from agentsdk.cli.chat import Chat

    if session is not None and store is None:
        raise ConfigurationError(
            _("--session needs --store."), fix="agentsdk chat --session anna --store runs.db"
        )

    out, err = console_for(sys.stdout), console_for(sys.stderr)
    references = references_of(ref, err, embeddings)
    budget = budget_of(budget_calls, budget_tokens, budget_seconds, budget_cost)
    tools = tools_of(tool)

    def make(chosen: Model, mode: PlanMode) -> Agent:
        return Agent(
            chosen,
            tools=tools,
            references=references,
            plan=mode,
            approve=approve,
            budget=budget,
            store=store,
        )

    with ExitStack() as stack:
        sink = stack.enter_context(TraceFile(trace)) if trace else None
        return Chat(make, model_of(model, base_url, err), plan, out, err, sink, session).run(sys.stdin)


@app.command(cls=SpokenCommand, help=_("List the sessions of a store, show one, or delete one."))
def sessions(
    name: Annotated[
        str | None,
        typer.Argument(help=_("The session to show; without it all are listed."), show_default=False),
    ] = None,
    store: StoreAt = "runs.db",
    delete: Annotated[bool, typer.Option("--delete", help=_("Delete the session."))] = False,
    as_json: AsJson = False,
) -> int:
    from agentsdk.cli.sessions import delete_session, list_sessions, show_session
    from agentsdk.store import open_store

    out = console_for(sys.stdout)
    if not store or ("://" not in store and not Path(store).exists()):
        raise ConfigurationError(
            _("There is no store {store}.").format(store=store or "-"),
            fix="agentsdk sessions --store runs.db",
        )
    kept = open_store(store)
    if name is None and delete:
        raise ConfigurationError(_("--delete needs the name of a session."))
    if name is None:
        list_sessions(kept, out, as_json=as_json)
    elif delete:
        delete_session(kept, name, out)
    else:
        show_session(kept, name, out, as_json=as_json)
    return exits.ANSWERED


@app.command(
    cls=SpokenCommand,
    name="plan",
    help=_("Show the plan for a question, and run nothing of it."),
    epilog=_EXITS,
)
def show_plan(
    question: Question = None,
    ref: Refs = None,
    model: ModelName = None,
    base_url: BaseUrl = None,
    tool: Tools = None,
    plan: Mode = "auto",
    form: Annotated[
        Literal["tree", "json", "yaml", "mermaid", "svg"], typer.Option("--as", help=_("How to show it."))
    ] = "tree",
    plan_file: PlanFile = None,
    as_json: AsJson = False,
) -> int:
    out, err = console_for(sys.stdout), console_for(sys.stderr)
    made: Plan | None
    if plan_file is not None:  # checked and shown, and no model is asked
        made = plan_of(plan_file, question)
        check_plan(made, toolbox_of(tools_of(tool), references_of(ref, err)))
    else:
        text = question_of(question)
        agent = Agent(
            model_of(model, base_url, err), tools=tools_of(tool), references=references_of(ref, err), plan=plan
        )
        made = agent.plan(text)
    if as_json or form == "json":
        print(json.dumps(made.to_dict() if made else None, ensure_ascii=False, indent=2))
    elif made is None:
        out.print(Text(_("No plan: the model would answer at once.")))
    else:
        forms = {"tree": made.tree, "yaml": made.to_yaml, "mermaid": made.mermaid, "svg": made.svg}
        print(clean(forms[form]()).rstrip("\n"))
    return exits.ANSWERED


@app.command(
    cls=SpokenCommand,
    help=_("Show which models can be reached from here, what each can do, and how that is known."),
)
def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar=_("PROVIDER:NAME"), help=_("One model: all about it."), show_default=False),
    ] = None,
    base_url: BaseUrl = None,
    server: Annotated[
        str | None,
        typer.Option(
            "--server", metavar=_("KIND"), help=_("What stands at --base-url: lmstudio, vllm, llamacpp, ...")
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    if name is not None:
        show_model(name, base_url, server, as_json=as_json)
    else:
        show_models(base_url, as_json=as_json)
    return exits.ANSWERED


@app.command(cls=SpokenCommand, help=_("Show the registered tools."))
def tools(as_json: AsJson = False) -> int:
    found = toolbox.available()
    if as_json:
        wire: dict[str, Any] = {}
        for name, made in found.items():
            if isinstance(made, str):
                wire[name] = {"description": made, "takes": "FOLDER"}
            else:
                wire[name] = {
                    "description": made[0].description,
                    "parameters": dict(made[0].parameters),
                    "needs_approval": made[0].needs_approval,
                }
        print(json.dumps(wire, ensure_ascii=False, indent=2))
        return exits.ANSWERED
    out = console_for(sys.stdout)
    for name, made in found.items():
        about = made if isinstance(made, str) else made[0].description
        default = _("  (always there)") if name in DEFAULT_TOOLS else ""
        out.print(Text(f"{name}{'' if not isinstance(made, str) else ':...'}{default}", style="bold"))
        out.print(Text(f"    {clean(_(about.splitlines()[0]))}"))
        if not isinstance(made, str):
            names = ", ".join(made[0].parameters.get("properties", {}))
            out.print(Text(_("    arguments: {names}").format(names=names)))
            if made[0].needs_approval:
                out.print(Text(_("    asks before each call")))
    return exits.ANSWERED


@app.command(cls=SpokenCommand, name="trace", help=_("Show a recorded run as a timeline."))
def show_trace(file: Annotated[Path, typer.Argument(help=_("What `agentsdk ask --trace FILE` wrote."))]) -> int:
    err = console_for(sys.stderr)
    print_trace(read(file, note=lambda told: err.print(Text(clean(told)))), console_for(sys.stdout))
    return exits.ANSWERED


@app.command(
    cls=SpokenCommand, name="text", help=_("Print the text of a file that the offsets of citations point into.")
)
def show_text(file: Annotated[str, typer.Argument(help=_("Text, Markdown, HTML, PDF or Office file."))]) -> int:
    from agentsdk.references.load import load

    # Byte by byte what offsets count: no newline is added and none is translated.
    sys.stdout.flush()
    text = load(file).text.encode("utf-8", "replace")
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(text)
    else:
        sys.stdout.write(text.decode())
    return exits.ANSWERED


runs.add(app, agent_of)


def _run(
    agent: Agent, question: str | Plan, history: Sequence[Message], trace: Path | None, err: Any, *, quiet: bool
) -> Answer[Any]:
    with ExitStack() as stack:
        sink = stack.enter_context(TraceFile(trace)) if trace else None
        for event in follow(agent.stream(question, history=history), err, quiet=quiet):
            if sink:
                sink.write(event)
            if isinstance(event, Finished):
                answer = event.answer
    return answer


def _so_far(partial: Answer[Any]) -> str:
    steps = ", ".join(f"{s.step} {s.do}: {s.status}" for s in partial.steps)
    return "; ".join(part for part in (steps, partial.text) if part)
