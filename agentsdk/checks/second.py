"""Checks that ask the model again, each with new information: an isolated second solution, and what was missed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from agentsdk.checks.check import Candidate, Check
from agentsdk.checks.count import words
from agentsdk.checks.numbers import Number, as_number, numbers, same_number
from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.references.cite import folded, stands

_YES = re.compile(r"\W*(?:yes|true|correct|是的?|对|正确|可以|能|会)(?![\w\u4e00-\u9fff])", re.IGNORECASE)
_NO = re.compile(
    r"\W*(?:no|false|incorrect|不是?|否|不对|错误|不可以|不能|不会|没有)(?![\w\u4e00-\u9fff])", re.IGNORECASE
)
_BRIEF = 25
"""Words of an answer that says little beside its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveThenCompare:
    """The question is solved a second time by a call that does not see the answer, and the results are compared.

    They are compared by code first: typed outputs part by part, numbers, yes and no, names. Only what code cannot tell
    goes to one more call, which sees both and does not know which is the answer. Where they differ, the model is shown
    both and answers once more; where they still differ, the answer says so.

    Two to three calls more. What the budget does not afford is left out, and said.
    """

    asks: ClassVar[bool] = True

    tolerance: float = 0.0
    """Share by which numbers may differ, beside rounding."""
    judge: bool = True
    """Whether a call may decide what code cannot."""

    def agrees(self, solution: Any, candidate: Candidate) -> bool | None:
        """Return whether a solution and the answer come to the same, as far as code can tell; None: it cannot."""
        if candidate.output is not None and not isinstance(solution, str):
            return same_value(solution, candidate.output, self.tolerance)
        return same_result(str(solution), candidate, self.tolerance)


@dataclass(frozen=True, slots=True, kw_only=True)
class UntilDry:
    """Where a list is asked for (`output=list[...]`): "what was missed?", until a pass adds nothing new that holds.

    Raises:
        ConfigurationError: there is no pass.

    """

    asks: ClassVar[bool] = True

    passes: int = 3
    """Passes at most, beside the first."""
    in_sources: bool | None = None
    """Whether a new item counts only when its words stand in a passage; None: where passages were read."""
    holds: Callable[[Any], bool] | None = None
    """Whether a new item is proved, by a function of your own."""

    def __post_init__(self) -> None:
        if self.passes < 1:
            raise ConfigurationError(_("UntilDry() needs at least one pass."), fix="UntilDry(passes=3)")


Rule = Check | SolveThenCompare | UntilDry
"""What `Agent(checks=[...])` takes."""


def same_value(one: Any, other: Any, tolerance: float = 0.0) -> bool:
    """Return whether two typed values are the same: numbers with tolerance, texts folded, lists in any order."""
    one, other = _plain(one), _plain(other)
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, (int, float, Decimal)) and isinstance(other, (int, float, Decimal)):
        return same_number(as_number(one), as_number(other), tolerance)
    if isinstance(one, str) and isinstance(other, str):
        return folded(one) == folded(other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same_value(one[k], other[k], tolerance) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        left = list(other)
        for each in one:
            at = next((i for i, o in enumerate(left) if same_value(each, o, tolerance)), None)
            if at is None:
                return False
            del left[at]
        return not left
    return bool(one == other)


def same_result(solution: str, candidate: Candidate, tolerance: float = 0.0) -> bool | None:
    """Return whether an answer in words comes to a short result; None where code cannot tell."""
    text = candidate.bare
    if yes := _says_yes(solution):
        said = _says_yes(text)
        return None if said is None else said == yes
    wanted = numbers(solution)
    if len(wanted) == 1 and len(words(solution)) <= 6:
        return _same_final(wanted[0], text, candidate.question, tolerance)
    if folded(solution).strip(" .。") == folded(text).strip(" .。"):
        return True
    if stands(solution.strip(" .。"), text) and len(words(text)) <= _BRIEF and not wanted:
        return True
    return None


def _same_final(wanted: Number, text: str, question: str, tolerance: float) -> bool | None:
    """Compare with the number that an answer ends in, or with the only one that is not the question's."""
    here = numbers(text)
    if not here:
        return None
    asked = numbers(question)
    new = [n for n in here if not any(same_number(n, a) for a in asked)]
    if not any(same_number(wanted, n, tolerance) for n in here):
        return False
    if same_number(wanted, here[-1], tolerance) or (len(new) == 1 and same_number(wanted, new[0], tolerance)):
        return True
    return None


def _says_yes(text: str) -> str | None:
    return "yes" if _YES.match(text) else "no" if _NO.match(text) else None


def _plain(value: Any) -> Any:
    if isinstance(value, (str, bool, int, float, Decimal, Mapping)) or value is None:
        return value
    if isinstance(value, Sequence):
        return list(value)
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(value, fallback=str)
