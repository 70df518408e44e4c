"""The time of linting a plan of 12 steps against 20 tools, whole and step by step. Goal: under 1 ms."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from agentsdk.budget import Budget
from agentsdk.function_tool import tool
from agentsdk.plan import Plan
from agentsdk.planner.ledger import Ledger
from agentsdk.planner.lint import Linter, lint
from agentsdk.toolbox import Toolbox

ROUNDS = 300


def tools() -> Toolbox:
    """Return 20 tools of five arguments each that bring typed results."""

    def make(number: int) -> Any:
        @tool(name=f"tool{number}")
        def work(
            text: str, count: int = 1, values: list[float] | None = None, on: bool = False
        ) -> dict[str, float]:
            """Work on a text."""
            return {}

        return work

    return Toolbox(make(i) for i in range(20))


def plan() -> Plan:
    """Return 12 steps: tools, half of them with references, and one of each kind."""
    steps: list[dict[str, Any]] = [
        {"id": f"s{i}", "do": f"tool{i}", "in": {"text": f"about {i}", "count": i, "values": [1.5, 2]}}
        for i in range(4)
    ]
    steps += [
        {"id": f"s{i}", "do": f"tool{i}", "in": {"text": "more", "values": [{"$": f"s{i - 4}.a"}, 1.0]}}
        for i in range(4, 8)
    ]
    steps += [
        {"id": "s8", "do": "map", "over": [1, 2], "in": {"do": "tool9", "in": {"text": "x", "count": {"$": "item"}}}},
        {"id": "s9", "do": "extract", "as": {"total": "number"}, "in": {"goal": "the total", "from": {"$": "s8"}}},
        {"id": "s10", "do": "think", "in": {"goal": "Judge.", "n": {"$": "s9.total"}}, "when": {"$": "s9.total", "above": 1}},
        {"id": "s11", "do": "reduce", "over": [{"$": "s7"}, {"$": "s10"}], "in": {"goal": "Sum up."}},
    ]  # fmt: skip
    return Plan.from_dict(steps)


def milliseconds(work: Callable[[], object]) -> float:
    """Return the median time of one round."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def main() -> None:
    """Print the medians."""
    box, steps, ledger = tools(), plan(), Ledger(Budget())
    assert lint(steps, box, ledger=ledger) == []  # the types of the tools are read once

    def streamed() -> None:
        linter = Linter(box, ledger=ledger)
        for step in steps:
            linter.take(step)
        linter.end()

    whole, by_step = milliseconds(lambda: lint(steps, box, ledger=ledger)), milliseconds(streamed)
    print(f"lint of 12 steps, 20 tools: {whole:.3f} ms whole, {by_step:.3f} ms step by step (goal under 1)")


if __name__ == "__main__":
    main()
