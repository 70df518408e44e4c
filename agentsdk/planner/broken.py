"""Finds what belongs together when steps of a plan have failed: what is repaired in one go, and when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentsdk.plan import Step

REPAIRS = 3
"""Failed steps of one plan that are repaired: the first ones, in the order of the plan."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Failed steps whose followers overlap, and these followers; each in the order of the plan."""

    failed: tuple[str, ...]
    followers: tuple[str, ...]

    @property
    def ids(self) -> frozenset[str]:
        """Everything that a repair may change."""
        return frozenset((*self.failed, *self.followers))


def followers_of(roots: Collection[str], steps: Mapping[str, Step]) -> set[str]:
    """Return the ids of the steps that need one of `roots`, or a step that does.

    Args:
        roots: ids.
        steps: by id, in an order in which no step stands before one that it needs.

    """
    found = set(roots)
    for id_, step in steps.items():
        if not found.isdisjoint(step.needs):
            found.add(id_)
    return found - set(roots)


def gather(
    first: str, steps: Mapping[str, Step], failed: Collection[str], ended: Collection[str]
) -> Broken | None:
    """Return what is to be repaired together with the failed step `first`; None while that is not known.

    It is known when all that its followers need beside it has ended. What comes out depends on how the steps end and
    never on the order in which they do, so that a resumed run asks for the same repair.

    Args:
        failed: the steps that failed and wait for a repair.
        ended: the steps that have ended for good.

    """
    roots = {first}
    while True:
        followers = followers_of(roots, steps)
        beside = {need for id_ in followers for need in steps[id_].needs if need in steps}
        open_ = beside - followers - roots - set(ended)
        more = open_ & set(failed)
        for id_ in open_ - more:
            # It waits for another failed step itself: that one belongs here. Else it runs, and is waited for.
            causes = {f for f in failed if id_ in followers_of({f}, steps)}
            if not causes:
                return None
            more |= causes
        if not more - roots:
            order = list(steps)
            return Broken(tuple(sorted(roots, key=order.index)), tuple(sorted(followers, key=order.index)))
        roots |= more


def may_be_repaired(
    broken: Broken, steps: Sequence[str], failed: Collection[str], ended: Collection[str]
) -> Literal["yes", "no", "wait"]:
    """Say whether it is among the first that are repaired: whether fewer than REPAIRS before it failed, or still can.

    Args:
        steps: the ids of the plan's own steps, in its order.
        failed: those of them that have failed, repaired or not.
        ended: those that can fail no more.

    """
    before = steps[: steps.index(broken.failed[0])]
    sure = sum(id_ in failed for id_ in before)
    if sure >= REPAIRS:
        return "no"
    possible = sum(id_ not in failed and id_ not in ended and id_ not in broken.ids for id_ in before)
    return "yes" if sure + possible < REPAIRS else "wait"
