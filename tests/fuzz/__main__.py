"""A million inputs for the readers of what models and servers write: only typed errors, and each read in 100 ms.

    python -m tests.fuzz [--inputs N] [--reader NAME] [--seed S] [--first N] [--engine plain|hypothesis|atheris] [--json]
                         [--save DIR]

Without --engine plain chance draws most of the inputs, hypothesis one in fifty, and atheris as many where it is
installed. Without --reader the inputs are split over all of them. Printed is a table, or with --json one object; the
process ends with 1 where anything was not as it should be. An input of plain chance is drawn again by
`--reader NAME --seed S --first NUMBER --inputs 1`; --save keeps those that were slow or wrong.

Of every input is held that

    only the errors end its reading that the reader documents, and no RecursionError or MemoryError does
    a reading takes less than 100 ms of CPU; fed in more than 1,000 pieces, 20 microseconds more for each of them
    it is read alike whole and in pieces
    a call that may be run was offered, its arguments fit its schema by the word of `jsonschema`, and the last call of
    an answer that was cut is none of them
    the text of a reply is what its deltas showed, and holds no tag around a thought
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from tests.fuzz import engines
from tests.fuzz.tally import Tally, as_json, table

SHARE = 50
"""One in so many inputs is drawn by hypothesis, and one by atheris."""


def main(arguments: list[str] | None = None) -> int:
    """Return 1 where anything was not as it should be."""
    parser = argparse.ArgumentParser(
        "python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--reader", action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--engine", choices=["plain", "hypothesis", "atheris"])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--save", type=Path)
    given = parser.parse_args(arguments)
    if engines.CHILD in os.environ:
        engines.child_of_atheris(given.reader[0], given.inputs, given.seed, given.save)
    tallies = list(run(given.inputs, given.reader, given.seed, given.engine, given.first, given.save).values())
    print(as_json(tallies) if given.json else table(tallies))
    return 1 if any(t.violations for t in tallies) else 0


def run(
    inputs: int,
    names: list[str] | None = None,
    seed: int = 0,
    engine: str | None = None,
    first: int = 0,
    save: Path | None = None,
) -> dict[str, Tally]:
    """Return what came of the inputs, by reader."""
    from tests.fuzz.readers import READERS, shares  # atheris must have been there before

    if wrong := set(names or ()) - set(READERS):
        raise SystemExit(
            f"There is no reader called {', '.join(wrong)}. The readers are: {', '.join(READERS)}."
        )
    counts = shares(inputs, names or list(READERS))
    tallies = {name: Tally(name, save=save) for name in counts}
    part = {name: count // SHARE for name, count in counts.items()}
    led = dict.fromkeys(counts, 0)
    if engine == "atheris" or (engine is None and engines.has_atheris() and inputs >= 100_000):
        led = counts if engine == "atheris" else part
        for name, tally in engines.by_atheris([n for n in led if led[n]], led, seed, save).items():
            tallies[name].add(tally)
    gc.freeze()
    for name, tally in tallies.items():
        drawn = counts[name] if engine == "hypothesis" else part[name] if engine is None else 0
        if drawn:
            engines.by_hypothesis(READERS[name], drawn, seed, tally)
        if engine in (None, "plain"):
            engines.plain(READERS[name], counts[name] - drawn - led[name], seed, tally, first)
    return tallies


if __name__ == "__main__":
    sys.exit(main())
