"""Starts the worker, kills it, resumes it until the run is done, and counts what should never be."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentsdk.planner.asked import answer_in
from agentsdk.store import open_store
from tests.crash.worker import Effects, Job, attempt, decide, told

_MOST_ATTEMPTS = 200
"""Of one run: each gets a little further, so that none needs as many."""


@dataclass(slots=True)
class Tally:
    """What a series of kills has shown."""

    runs: int = 0
    kills: int = 0
    kills_before_the_plan: int = 0
    kills_in_the_plan: int = 0
    kills_waiting: int = 0
    unknown_outcomes_asked: int = 0
    wrong_results: int = 0
    side_effects_repeated: int = 0
    finished_steps_rerun: int = 0
    looked_finished_but_was_not: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all that was promised was kept."""
        never = (
            self.wrong_results,
            self.side_effects_repeated,
            self.looked_finished_but_was_not,
            len(self.faults),
        )
        return not any(never) and self.finished_steps_rerun <= self.kills

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __str__(self) -> str:
        return "\n".join(f"{name:28} {value}" for name, value in self.to_dict().items())


def crash(folder: Path, *, kills: int, seed: int, postgres: str | None = None, tell: bool = False) -> Tally:
    """Return what `kills` kills, spread over as many runs as it takes, have shown."""
    chance = random.Random(seed)
    # A server that forks: a worker then starts in milliseconds, and is as killable as any process.
    kind = "forkserver" if sys.platform != "win32" else "spawn"
    context = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload(
            ["tests.crash.worker", "agentsdk.planner.graph", "agentsdk.store.sqlite"]
        )
    tally = Tally()
    undisturbed = _reference(folder / "reference")
    while tally.kills < kills:
        tally.runs += 1
        here = folder / f"run{tally.runs}"
        here.mkdir()
        job = Job(postgres or str(here / "runs.db"), str(here), asks=chance.random() < 0.5)
        before = tally.kills
        _one_run(job, context, chance, tally, undisturbed)
        if tell:
            print(f"run {tally.runs}: {tally.kills - before} kills", file=sys.stderr, flush=True)
    return tally


def _one_run(job: Job, context: Any, chance: random.Random, tally: Tally, undisturbed: dict[str, Any]) -> None:
    here, effects = Path(job.folder), Effects(job.folder)
    known = asyncio.run(_ids(job.store))
    answer = here / "answer.json"
    for _try in range(_MOST_ATTEMPTS):
        answer.unlink(missing_ok=True)
        process = context.Process(target=attempt, args=(job,))
        process.start()
        process.join(timeout=chance.uniform(0.0, 0.45) if chance.random() < 0.9 else 30)
        killed = process.is_alive()
        if killed:
            process.kill()
            tally.kills += 1
        process.join()
        if not killed and process.exitcode:
            tally.faults.append(f"run {tally.runs}: the worker ended with {process.exitcode}")
            return
        run_id = job.run_id or next(iter(asyncio.run(_ids(job.store)) - known), "")
        if killed:
            asyncio.run(_look(job, run_id, tally, undisturbed))
            if not answer.exists():
                job = replace(job, run_id=run_id, decisions="{}")
                continue
        result = json.loads(answer.read_text(encoding="utf-8"))
        if result["status"] == "needs_approval":
            waiting = result["waiting"]
            tally.unknown_outcomes_asked += sum(w["kind"] == "outcome_unknown" for w in waiting)
            decisions = {w["key"]: decide(w, effects) for w in waiting}
            job = replace(job, run_id=run_id, decisions=json.dumps(decisions))
            continue
        _judge(result, undisturbed, effects, tally)
        return
    tally.faults.append(f"run {tally.runs}: it did not come to an end")


def _judge(result: dict[str, Any], undisturbed: dict[str, Any], effects: Effects, tally: Tally) -> None:
    if result != undisturbed:
        tally.wrong_results += 1
        tally.faults.append(f"run {tally.runs}: {result} instead of {undisturbed}")
    done = Counter(name for kind, name, _key in effects.lines() if kind == "effect")
    tally.side_effects_repeated += sum(times - 1 for times in done.values())
    if len(done) != 4:
        tally.wrong_results += 1
        tally.faults.append(f"run {tally.runs}: its effects were {sorted(done)}")
    ended: set[str] = set()
    for kind, name, _key in effects.lines():
        if kind == "begin" and name in ended:
            tally.finished_steps_rerun += 1
        elif kind == "end":
            ended.add(name)


async def _ids(where: str) -> set[str]:
    store = open_store(where)
    try:
        return {run.id for run in await store.runs(limit=10_000)}
    finally:
        await store.close()


async def _look(job: Job, run_id: str, tally: Tally, undisturbed: dict[str, Any]) -> None:
    """Look at a run that was just killed: what says that it is finished must be its whole answer."""
    if not run_id:
        tally.kills_before_the_plan += 1
        return
    store = open_store(job.store)
    try:
        rows, record = await store.rows(run_id), await store.run(run_id)
    finally:
        await store.close()
    kinds = Counter(row.kind for row in rows)
    tally.kills_before_the_plan += not kinds["call"] and not kinds["planned"]
    tally.kills_in_the_plan += not kinds["call"] and kinds["planned"] > 0
    tally.kills_waiting += any(row.kind == "waits" for row in rows)
    found = answer_in(run_id, rows)
    if found is None and record.status == "done":
        tally.looked_finished_but_was_not += 1
    if found is not None and told(found) != undisturbed:
        tally.looked_finished_but_was_not += 1
        tally.faults.append(f"run {tally.runs}: {told(found)} looked finished")


def _reference(folder: Path) -> dict[str, Any]:
    """Return the answer of a run that nobody disturbs."""
    folder.mkdir()
    job = Job(str(folder / "runs.db"), str(folder), asks=True)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=attempt, args=(job,))
    process.start()
    process.join()
    result: dict[str, Any] = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return result
