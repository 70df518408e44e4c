"""Approval policies: functions from a tool call to yes, no, or a reason.

A policy is asked only about calls of tools with `needs_approval=True`. It may be async. It returns

- True: run the call;
- False, or a text: do not; the text is told to the model as the reason;
- None: nobody can say now; the run ends with the status `needs_approval`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from agentsdk.i18n import _
from agentsdk.messages import ToolCall


@dataclass(frozen=True, slots=True)
class Done:
    """Decides about a call of unknown outcome, begun before a crash: it was done, and this is what it brought.

    True does such a call again, and False, or a reason, leaves it undone.
    """

    value: Any = None
    """JSON."""


Verdict = bool | str | Done | None
Policy = Callable[[ToolCall], Verdict | Awaitable[Verdict]]


def ask(call: ToolCall) -> Verdict:
    """Ask the person at the terminal; None where there is no terminal."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    shown = ", ".join(f"{k}={v!r}" for k, v in call.arguments.items())
    print(_("The agent asks to run:  {call}").format(call=f"{call.name}({shown})"), file=sys.stderr)
    print(_("Run it? [y/N, or a reason why not] "), end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    if answer.lower() in ("y", "yes", "是", "好"):
        return True
    return False if answer.lower() in ("", "n", "no", "否", "不") else answer


def never(call: ToolCall) -> Verdict:  # noqa: ARG001  # every policy takes the call
    """Refuse every call that needs approval, without asking anybody."""
    return _("This agent may not run tools that need approval.")
