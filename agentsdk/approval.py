"""Decisions about what waits, and policies: functions that decide.

A policy is asked about calls of tools with `needs_approval=True`, and about each whole plan where it stands in
`PlanFirst`. It gets a ToolCall, may be async, and returns

- True: run the call, or the plan;
- False, or a text: do not; the text is told to the model as the reason;
- Edit(...): run it with these arguments, or this plan, instead;
- None: nobody can say now; the run ends with the status `needs_approval`, and `answer.waiting` says what waits.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentsdk.errors import ConfigurationError, PlanError
from agentsdk.i18n import _
from agentsdk.messages import ToolCall
from agentsdk.plan import Plan
from agentsdk.waiting import is_plan


@dataclass(frozen=True, slots=True)
class Edit:
    """Run it, with these arguments instead; or this plan. They are checked as the model's own would be."""

    to: Mapping[str, Any] | Plan


@dataclass(frozen=True, slots=True)
class Done:
    """Decides about a call of unknown outcome, begun before a crash: it was done, and this is what it brought.

    True does such a call again, and False, or a reason, leaves it undone.
    """

    value: Any = None
    """JSON."""


Verdict = bool | str | Edit | Done | None
Policy = Callable[[ToolCall], Verdict | Awaitable[Verdict]]
ApprovalMode = Literal["plan", "calls", "never"]
"""plan: the terminal is asked about each whole plan, then as with "calls". calls: it is asked about each call that
needs a yes. never: each such call is refused."""


@dataclass(frozen=True, slots=True)
class PlanFirst:
    """A policy that is asked about each whole plan as well, before anything of it runs.

    Calls of an approved plan whose arguments stand in it in full are approved with it; those whose arguments come from
    other steps are asked about when they are known.
    """

    policy: Policy

    def __call__(self, call: ToolCall) -> Verdict | Awaitable[Verdict]:
        """Return what the policy inside decides."""
        return self.policy(call)


def policy_of(approve: Policy | ApprovalMode | None) -> Policy | None:
    """Return the policy that `approve=` means.

    Raises:
        ConfigurationError: it is neither a policy nor the name of one.

    """
    named: dict[str, Policy] = {"plan": PlanFirst(ask), "calls": ask, "never": never}
    if isinstance(approve, str) and approve in named:
        return named[approve]
    if approve is None or (callable(approve) and not isinstance(approve, str)):
        return approve
    raise ConfigurationError(
        _("approve={approve!r} is no policy.").format(approve=approve),
        fix=_('Give "plan", "calls", "never", or a function from a ToolCall to True, False or a reason.'),
    )


def is_decision(value: object) -> bool:
    """Return whether a value decides about anything."""
    return isinstance(value, (bool, str, Edit, Done))


def ask(call: ToolCall) -> Verdict:
    """Ask the person at the terminal; None where there is no terminal.

    What runs is shown as it would run: the tool's name and each argument, in JSON, without control characters.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    plan = Plan.from_dict(call.arguments) if is_plan(call) else None
    if plan is None:
        _say(_("The agent asks to run {name}:").format(name=_shown(call.name)))
        for name, value in call.arguments.items():
            _say(f"  {_shown(name)} = {_shown(json.dumps(value, ensure_ascii=False, default=str))}")
    else:
        _say(_("The agent asks to run this plan:"))
        for line in plan.tree().splitlines():
            _say(f"  {_shown(line)}")
    while True:
        print(_("Run it? [y/N, e to edit, or a reason why not] "), end="", file=sys.stderr, flush=True)
        answer = sys.stdin.readline().strip()
        if answer.lower() in ("y", "yes", "是", "好"):
            return True
        if answer.lower() not in ("e", "edit", "改"):
            return False if answer.lower() in ("", "n", "no", "否", "不") else answer
        edited = _edited(plan is not None)
        if edited is not None:
            return edited


def _edited(of_plan: bool) -> Edit | None:
    """Read other arguments, or another plan, from the terminal; None where what was typed is none."""
    print(_("Type it as JSON, on one line: "), end="", file=sys.stderr, flush=True)
    try:
        typed = json.loads(sys.stdin.readline())
        if of_plan:
            return Edit(Plan.from_dict(typed))
    except (ValueError, PlanError) as error:
        _say(_("That cannot be used: {why}").format(why=error))
        return None
    if isinstance(typed, dict):
        return Edit(typed)
    _say(_("That cannot be used: {why}").format(why=_("it is no JSON object.")))
    return None


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _shown(text: str) -> str:
    """Return text from outside as a terminal may show it: what could move its cursor or turn its text round is out."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp") else "�" for c in text)


def never(call: ToolCall) -> Verdict:  # noqa: ARG001  # every policy takes the call
    """Refuse every call that needs approval, without asking anybody."""
    return _("This agent may not run tools that need approval.")
