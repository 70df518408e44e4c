"""The commands: what each takes, and what it prints."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from agentsdk import toolbox
from agentsdk.agent import Agent
from agentsdk.answer import Answer
from agentsdk.approval import ApprovalMode
from agentsdk.budget import Budget, Usage
from agentsdk.cli import exits, runs
from agentsdk.cli.board import clean
from agentsdk.cli.models import show_model, show_models
from agentsdk.cli.show import console_for, follow, print_answer, print_trace
from agentsdk.cli.words import SpokenCommand, SpokenGroup, wrong_use
from agentsdk.errors import AgentError, ConfigurationError
from agentsdk.events import Finished
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.connect import connect
from agentsdk.models.discover import KEYS, Choice, Report, choose, discover
from agentsdk.models.model import Model
from agentsdk.plan import Plan
from agentsdk.planner.asked import begun_by
from agentsdk.planner.lint import check_plan
from agentsdk.references import References
from agentsdk.trace import TraceFile, read

DEFAULT_TOOLS = ("calculator", "clock")

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

PlanMode = Literal["never", "auto", "always"]

Question = Annotated[
    str | None, typer.Argument(help=_("What to answer; - or nothing reads it from a pipe."), show_default=False)
]
Refs = Annotated[
    list[str] | None,
    typer.Option(
        "--ref", metavar=_("FILE_OR_FOLDER"), help=_("Text to answer from; may be given several times.")
    ),
]
Embed = Annotated[
    str | None,
    typer.Option(
        "--embeddings",
        metavar=_("PROVIDER:NAME"),
        help=_("Search the texts by meaning as well, for example by openai:text-embedding-3-small."),
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar=_("PROVIDER:NAME"),
        help=_("For example openai:gpt-4o-mini, dashscope:qwen-plus, ollama:llama3.1 or offline:extract."),
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        "--base-url",
        metavar=_("URL"),
        help=_("Another server that speaks the provider's protocol, such as http://localhost:1234/v1."),
    ),
]
Tools = Annotated[
    list[str] | None,
    typer.Option(
        "--tool",
        metavar=_("NAME"),
        help=_(
            "A tool besides calculator and clock, such as web_search or files:FOLDER; may be given several times."
        ),
    ),
]
Mode = Annotated[
    PlanMode, typer.Option("--plan", help=_("Whether the model may, must or may not make a plan."))
]
Calls = Annotated[
    int | None, typer.Option("--budget-calls", metavar="N", help=_("At most so many calls of the model."))
]
Tokens = Annotated[
    int | None, typer.Option("--budget-tokens", metavar="N", help=_("At most so many tokens, in and out."))
]
Seconds = Annotated[
    float | None, typer.Option("--budget-seconds", metavar="S", help=_("At most so many seconds."))
]
Cost = Annotated[
    float | None, typer.Option("--budget-cost", metavar="USD", help=_("At most so many US dollars."))
]
Trace = Annotated[
    Path | None,
    typer.Option("--trace", metavar=_("FILE"), help=_("Write down what happens, for `agentsdk trace`.")),
]
PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan-file",
        help=_("A plan in YAML or JSON, to be taken as it is."),
        metavar=_("FILE"),
        show_default=False,
    ),
]
StoreAt = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar=_("FILE_OR_URL"),
        help=_("Where runs and sessions are kept: a file, or a Postgres URL."),
    ),
]
SessionName = Annotated[
    str | None,
    typer.Option(
        "--session",
        metavar=_("NAME"),
        help=_("The conversation to go on with, kept in --store; a new name begins one."),
    ),
]
Approve = Annotated[
    ApprovalMode,
    typer.Option(
        "--approve",
        help=_(
            "You are asked about each call that needs a yes (calls), about each whole plan (plan), or never."
        ),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=_("Print one JSON object and nothing else."))]


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
    store: runs.StoreAt = None,
    as_json: AsJson = False,
) -> int:
    out, err = console_for(sys.stdout), console_for(sys.stderr)
    asked = _question(question) if plan_file is None else _planned(plan_file, question)
    options = {
        "model": model, "base_url": base_url, "ref": ref, "tool": tool, "plan": plan, "calls": budget_calls,
        "tokens": budget_tokens, "seconds": budget_seconds, "cost": budget_cost, "store": store or None,
        "approve": approve, "embeddings": embeddings,
    }  # fmt: skip
    agent = _agent(options, err)
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
    references = _references(ref, err, embeddings)
    budget = _budget(budget_calls, budget_tokens, budget_seconds)
    tools = _tools(tool)

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
        return Chat(make, _model(model, base_url, err), plan, out, err, sink, session).run(sys.stdin)


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
        made = _planned(plan_file, question)
        check_plan(made, _toolbox(_tools(tool), _references(ref, err)))
    else:
        text = _question(question)
        agent = Agent(
            _model(model, base_url, err), tools=_tools(tool), references=_references(ref, err), plan=plan
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


def _agent(options: Mapping[str, Any], err: Any) -> Agent:
    """Return the agent of a command line's options."""
    return Agent(
        _model(options["model"], options["base_url"], err),
        tools=_tools(options["tool"]),
        references=_references(options["ref"], err, options.get("embeddings")),
        plan=options["plan"],
        approve=options.get("approve", "calls"),
        budget=_budget(options["calls"], options["tokens"], options["seconds"], options.get("cost")),
        store=options["store"],
    )


runs.add(app, _agent)


def _question(given: str | None) -> str:
    if given not in (None, "-"):
        return str(given)
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigurationError(
            _("There is no question."), fix=_('Ask one: agentsdk ask "What is 17% of 2,340?"')
        )
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _planned(path: Path, question: str | None) -> Plan:
    """Return the plan of a file; a question on the command line takes the place of its own."""
    plan = Plan.load(path)
    return plan if question is None else replace(plan, question=_question(question))


def _toolbox(tools: Iterable[Any], references: References | None) -> toolbox.Toolbox:
    look_up = [references.as_tool()] if references else []
    return toolbox.Toolbox([*look_up, *toolbox.gather(tools)])


def _references(paths: list[str] | None, err: Any, embeddings: str | None = None) -> References | None:
    if not paths:
        if embeddings:
            raise ConfigurationError(
                _("--embeddings needs --ref."), fix=f"agentsdk ask ... --ref FILE --embeddings {embeddings}"
            )
        return None
    found = References.from_files(*paths, embeddings=embeddings)
    for name, error in found.skipped[:10]:
        err.print(Text(clean(_("left out {name}: {why}").format(name=name, why=error.what)), style="yellow"))
    if len(found.skipped) > 10:
        err.print(Text(_("... and {count} more").format(count=len(found.skipped) - 10), style="yellow"))
    return found


def _tools(named: list[str] | None) -> list[str]:
    return [*DEFAULT_TOOLS, *(n for n in dict.fromkeys(named or ()) if n not in DEFAULT_TOOLS)]


def _budget(calls: int | None, tokens: int | None, seconds: float | None, cost: float | None = None) -> Budget:
    return Budget(calls=Budget().calls if calls is None else calls, tokens=tokens, seconds=seconds, cost=cost)


def _model(named: str | None, base_url: str | None, err: Any) -> Model:
    """Return the model that was named; else choose one, and say on one line which and why."""
    if named:
        return connect(named, base_url=base_url)
    if base_url:
        raise ConfigurationError(
            _("--base-url needs --model."),
            why=_("A server may offer several models, and the protocol is chosen by the provider."),
            fix=_("agentsdk models --base-url {url} lists what it offers.").format(url=base_url),
        )
    report = Report(tuple(k for k in KEYS if os.environ.get(k, "").strip()))
    if not os.environ.get("AGENTSDK_MODEL", "").strip():
        report = asyncio.run(discover())
    choice = choose(report, os.environ)
    err.print(Text(clean(_announce(choice, report)), style="dim"))
    return connect(choice.model, base_url=choice.base_url)


def _announce(choice: Choice, report: Report) -> str:
    line = _("model: {model} ({why})").format(model=choice.model, why=choice.why)
    unused = [
        f"{k}: --model {KEYS[k]}" for k in report.keys if not choice.model.startswith(KEYS[k].split(":")[0])
    ]
    return line + (_("; keys that are set: {keys}").format(keys=", ".join(unused)) if unused else "")


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
