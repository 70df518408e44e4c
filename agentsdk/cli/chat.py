"""A conversation: one question a line, from a person or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO, cast, get_args

from rich.console import Console
from rich.text import Text

from agentsdk.agent import Agent
from agentsdk.cli import exits
from agentsdk.cli.board import clean
from agentsdk.cli.show import follow, print_answer
from agentsdk.errors import AgentError
from agentsdk.events import Finished
from agentsdk.i18n import _
from agentsdk.messages import Message
from agentsdk.models.connect import connect
from agentsdk.models.model import Model
from agentsdk.planner.intake import PlanMode
from agentsdk.trace import TraceFile


class Chat:
    """Reads questions, answers each with the turns before it, and obeys lines that begin with a slash."""

    def __init__(
        self,
        make: Callable[[Model, PlanMode], Agent],
        model: Model,
        plan: PlanMode,
        out: Console,
        err: Console,
        sink: TraceFile | None = None,
        session: str | None = None,
    ) -> None:
        self._make = make
        self._model = model
        self._plan = plan
        self._agent = make(model, plan)
        self._out = out
        self._err = err
        self._sink = sink
        self._session = session
        self._history: Sequence[Message] = ()
        self._last: Any = None

    def run(self, lines: TextIO) -> int:
        """Answer until the lines end or /quit; return the exit code of the last answer."""
        person = lines.isatty()
        if person:
            self._err.print(
                Text(_("{model}. /help shows the commands, /quit ends.").format(model=self._model.name))
            )
        code = exits.ANSWERED
        while True:
            if person:
                self._err.print(Text("> "), end="")
                self._err.file.flush()
            try:
                line = lines.readline()
            except KeyboardInterrupt:
                break
            if not line:
                break
            text = line.strip()
            if text.startswith("/"):
                if not self._obey(text):
                    return code
            elif text:
                code = self._answer(text)
        if person:
            self._err.print()
        return code

    def _answer(self, question: str) -> int:
        try:
            stream = self._agent.stream(question, history=self._history, session=self._session)
            for event in follow(stream, self._err):
                if self._sink:
                    self._sink.write(event)
                if isinstance(event, Finished):
                    answer = event.answer
        except AgentError as error:  # the conversation goes on: nothing of it is lost
            self._err.print(Text(clean(_("Error: {what}").format(what=error)), style="red"))
            return exits.of_error(error)
        except KeyboardInterrupt:
            self._err.print(Text(_("Stopped. The conversation goes on.")))
            return exits.INTERRUPTED
        self._last = answer
        if self._session is None:
            self._history = answer.messages
        print_answer(answer, self._out, self._err)
        self._out.print()
        sys.stdout.flush()
        return exits.of_outcome(answer.status)

    def _obey(self, line: str) -> bool:
        """Carry out a command; return whether to go on."""
        command, _blank, rest = line.partition(" ")
        rest = rest.strip()
        if command in ("/quit", "/exit", "/q"):
            return False
        if command == "/model" and rest:
            self._switch(rest)
        elif command == "/model":
            self._err.print(Text(clean(self._model.name)))
        elif command == "/plan" and rest in get_args(PlanMode):
            self._plan = cast("PlanMode", rest)
            self._agent = self._make(self._model, self._plan)
            self._err.print(Text(_("plan: {mode}").format(mode=rest)))
        elif command == "/plan":
            plan = self._last.plan if self._last else None
            self._err.print(Text(clean(plan.tree()) if plan else _("The last answer needed no plan.")))
        else:
            if command != "/help":
                self._err.print(Text(clean(_("There is no command {name}.").format(name=command))))
            self._err.print(
                Text(
                    _(
                        "/model [PROVIDER:NAME]            show or change the model\n"
                        "/plan [never|auto|always]         show the last plan, or say when to plan\n"
                        "/help                             this\n"
                        "/quit                             end"
                    )
                )
            )
        return True

    def _switch(self, name: str) -> None:
        try:
            model = connect(name)
            self._agent = self._make(model, self._plan)
        except AgentError as error:
            self._err.print(Text(clean(_("Error: {what}").format(what=error)), style="red"))
            return
        self._model = model
        self._err.print(Text(clean(_("model: {model}").format(model=model.name))))
