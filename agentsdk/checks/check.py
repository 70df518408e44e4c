"""Candidate, Fault and Check: what is checked, what is wrong with it, and what a check is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Any

from agentsdk.answer import Kind
from agentsdk.errors import ConfigurationError
from agentsdk.evidence import Citation, Evidence, Passage
from agentsdk.i18n import _


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer as far as it is made, and what a check may want to hold it against."""

    text: str
    """The public text; citations are marked [1], [2]... in the order of `citations`."""
    question: str = ""
    output: Any = None
    """The object that was asked for with `output=`; None where there is none."""
    language: str = "en"
    """That of the question: "en" or "zh"."""
    citations: tuple[Citation, ...] = ()
    passages: tuple[Passage, ...] = ()
    """Those that the model was shown."""
    steps: tuple[Evidence, ...] = ()
    """What tools and steps brought."""
    instructions: str = ""
    """The whole system prompt of the run. It is private."""
    thoughts: tuple[str, ...] = ()
    """What the model thought, a text a call. They are private."""

    def __str__(self) -> str:
        return self.text

    @property
    def bare(self) -> str:
        """The text without the marks of its citations."""
        here = range(1, len(self.citations) + 1)
        return _MARK.sub(lambda m: "" if int(m[1]) in here else m[0], self.text) if here else self.text


_MARK = re.compile(r" ?\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a candidate."""

    text: str
    """One sentence for the people who read the findings of an answer."""
    kind: Kind = "check"
    told: str = ""
    """What the model is told instead, where that differs: what may not be shown, for one."""


Verdict = bool | str | Fault | Iterable[str | Fault] | None
"""What a check returns: None, True or nothing for a good answer, else a fault, several, or False."""

Check = Callable[[Candidate], Verdict | Awaitable[Verdict]]
"""Any function of a Candidate; SolveThenCompare and UntilDry, which ask the model, are done by the planner.

A check may have two methods more, which take a Candidate as well:

- `tidy` returns the text changed without losing anything, such as a fence around JSON; it is done before the check.
- `mend` returns the text changed where the model did not mend it itself, such as a cut, and the sentence that the
  answer's findings say of it; None where nothing can be done.
"""


async def faults_of(check: Check, candidate: Candidate) -> list[Fault]:
    """Return what `check` finds; a check that breaks is told as a fault of its own and ends no run."""
    try:
        verdict = check(candidate)
        if inspect.isawaitable(verdict):
            verdict = await verdict
        return read_verdict(verdict, name_of(check))
    except Exception as error:  # a check may be a stranger's code and raise anything
        told = _("The check {name} broke off: {error}").format(
            name=name_of(check), error=f"{type(error).__name__}: {error}"
        )
        return [Broken(told)]


class Broken(Fault):
    """A check that could not be done: nothing that the model could mend."""

    __slots__ = ()


def read_verdict(verdict: Verdict, name: str) -> list[Fault]:
    """Return the faults that a verdict holds."""
    if verdict is None or verdict is True or verdict == "":
        return []
    if verdict is False:
        return [Fault(_("The answer does not pass the check {name}.").format(name=name))]
    if isinstance(verdict, (str, Fault)):
        verdict = [verdict]
    return [f if isinstance(f, Fault) else Fault(str(f)) for f in verdict if f]


def name_of(check: object) -> str:
    """Return the name by which people know a check."""
    return str(getattr(check, "__name__", None) or type(check).__name__)


def taken(checks: Iterable[Any]) -> tuple[Any, ...]:
    """Return the checks given, each one looked at.

    Raises:
        ConfigurationError: something among them is no check.

    """
    found = (checks,) if callable(checks) else tuple(checks)
    for each in found:
        if isinstance(each, type):
            raise ConfigurationError(
                _("{name} is a class and not yet a check.").format(name=each.__name__),
                fix=_("Give one made of it: {name}(...).").format(name=each.__name__),
            )
        if not callable(each) and not getattr(each, "asks", False):
            raise ConfigurationError(
                _("{value!r} is not a check.").format(value=each),
                fix=_(
                    "Give a function that takes the answer and returns its faults, or one of agentsdk.checks."
                ),
            )
    return found


@dataclass(frozen=True, slots=True)
class On:
    """A check of one part of the typed output: `On("summary", Length(max_words=50))`.

    The part's text is checked as if it were the answer; in a function of your own, `candidate.output` is the part.

    Args:
        path: names joined by points; `*` is each element of a list: "legs.*.note".
        check: what is checked of each part. A path that leads nowhere is a fault.

    """

    path: str
    check: Check

    async def __call__(self, candidate: Candidate) -> list[Fault]:
        """Return the faults of each part, with where it stands."""
        parts = list(_parts(candidate.output, self.path.split("."), ""))
        if not parts:
            return [Fault(_("The output has no {path}.").format(path=self.path), "format")]
        found = []
        for where, part in parts:
            inner = replace(candidate, text=part if isinstance(part, str) else _text(part), output=part)
            for fault in await faults_of(self.check, inner):
                told = f"{where}: {fault.told}" if fault.told else ""
                found.append(replace(fault, text=f"{where}: {fault.text}", told=told))
        return found


def _parts(value: Any, path: Sequence[str], where: str) -> Iterable[tuple[str, Any]]:
    if not path:
        yield where, value
        return
    name, *rest = path
    if name == "*" and isinstance(value, (list, tuple)):
        for at, each in enumerate(value):
            yield from _parts(each, rest, f"{where}[{at}]")
    elif isinstance(value, Mapping):
        if name in value:
            yield from _parts(value[name], rest, f"{where}.{name}".lstrip("."))
    elif value is not None and hasattr(value, name) and not callable(getattr(value, name)):
        yield from _parts(getattr(value, name), rest, f"{where}.{name}".lstrip("."))


def _text(value: Any) -> str:
    if isinstance(value, (bool, int, float)) or value is None or not (is_dataclass(value) or value):
        return str(value)
    from pydantic_core import to_json

    return to_json(value, fallback=str).decode()
