"""Makes one ranking of several, by reciprocal rank."""

from __future__ import annotations

from collections.abc import Sequence

K = 60
"""What is added to each rank, so that the first places of one ranking do not outweigh all of another: Cormack, Clarke
and Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009."""


def fuse(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Return the items of all rankings, best first, each with its score: the sum of 1 / (K + rank), from 1.

    What is first in all rankings is first. Of equal scores the better single rank goes before, then the smaller item.
    """
    scores: dict[int, float] = {}
    best: dict[int, int] = {}
    for ranking in rankings:
        for rank, item in enumerate(dict.fromkeys(ranking), 1):
            scores[item] = scores.get(item, 0.0) + 1 / (K + rank)
            best[item] = min(best.get(item, rank), rank)
    order = sorted(scores, key=lambda item: (-round(scores[item], 12), best[item], item))
    return [(item, scores[item]) for item in order]
