"""The options that several commands have in common, as Typer takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from agentsdk.approval import ApprovalMode
from agentsdk.i18n import _

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
        envvar="AGENTSDK_STORE",
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
