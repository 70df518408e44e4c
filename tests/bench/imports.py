"""The time of `import agentsdk` beside `import pydantic`, in fresh processes, in turn. Goal: at most 1.5 times."""

import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(module: str) -> float:
    """Return the wall time of one fresh process that imports a module."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the medians and their ratio."""
    times: dict[str, list[float]] = {"sys": [], "pydantic": [], "agentsdk": []}
    for _ in range(ROUNDS):
        for module, row in times.items():
            row.append(seconds(module))
    bare = statistics.median(times["sys"])
    pydantic, ours = (statistics.median(times[m]) - bare for m in ("pydantic", "agentsdk"))
    print(
        f"import pydantic {pydantic * 1000:.0f} ms, agentsdk {ours * 1000:.0f} ms: {ours / pydantic:.2f} times"
    )
    whole = statistics.median(times["agentsdk"]) / statistics.median(times["pydantic"])
    print(f"whole processes: {whole:.2f} times (goal at most 1.5)")


if __name__ == "__main__":
    main()
