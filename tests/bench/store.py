"""What keeping a run costs: the file for a long text over many turns and for many steps, and a step's time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agentsdk import Agent, Budget, tool
from agentsdk.store import Row, RunRecord
from agentsdk.store.sqlite import SqliteStore
from agentsdk.testing import ScriptedModel
from agentsdk.testing.scripted import call

TEXT = "".join(f"Sentence {n} of a long reference text. " for n in range(27_000))[:1_000_000]


def measure() -> dict[str, float]:
    """Return sizes in MB and times in ms."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        long = asyncio.run(_long_text(place / "long.db"))
        many, each = asyncio.run(_many_steps(place / "many.db"))
        return {"long_text_mb": long, "many_steps_times_payload": many, "row_ms": each}


async def _long_text(path: Path) -> float:
    @tool
    def open_text(part: int) -> str:
        """Return the reference text."""
        return f"{TEXT}"

    store = SqliteStore(path)
    script: list[Any] = [*(call("open_text", part=n) for n in range(10)), "Read."]
    await Agent(ScriptedModel(script), tools=[open_text], store=store, budget=Budget(calls=30)).arun("Read it.")
    await store.close()
    return _mb(path)


async def _many_steps(path: Path) -> tuple[float, float]:
    store = SqliteStore(path)
    lease = await store.begin(RunRecord("r", "", "running", 0, 0, "?", "m", "here:1:1:x"), [])
    began = time.perf_counter()
    for at in range(1000):
        await store.write(
            lease, [Row(f"{at:064}", "step", {"value": f"{at} " * 500}, step=f"s{at}", do="look")]
        )
    each = (time.perf_counter() - began) * 1000 / 1000
    await store.close()
    return _mb(path) * 1e6 / sum(len(f"{at} " * 500) for at in range(1000)), each


def _mb(path: Path) -> float:
    return sum(p.stat().st_size for p in path.parent.glob(f"{path.name}*")) / 1e6


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:26} {value:.2f}")
