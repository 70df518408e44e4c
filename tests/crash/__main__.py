"""python -m tests.crash --kills 50 [--store sqlite|postgres] [--json] [--seed N]: kill, resume, compare."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.crash.kill import crash
from tests.crash.postgres import database


def main() -> int:
    """Return 0 where nothing was lost, wrong, or done twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="crash-")))
        where = None if given.store == "sqlite" else stack.enter_context(database())
        tally = crash(folder, kills=given.kills, seed=given.seed, postgres=where, tell=not given.json)
    print(
        json.dumps({"store": given.store, "seed": given.seed, **tally.to_dict()}, indent=2)
        if given.json
        else tally
    )
    return 0 if tally.clean else 1


if __name__ == "__main__":
    sys.exit(main())
