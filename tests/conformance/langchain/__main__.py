"""Runs langchain-tests against the chat models, on this machine alone: `make conformance`.

The streaming test replays what it recorded, so it is run twice: first by itself, to be recorded, then with the others.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests import offline

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Run the suites with pytest's arguments added; return 0 where all is as it must be."""
    if "--inside" not in arguments:
        return offline.enclosed([sys.executable, "-m", "tests.conformance.langchain", "--inside", *arguments])
    offline.enter()
    with tempfile.TemporaryDirectory() as tapes:
        recorded = _pytest(tapes, "-q", "-k", "test_stream_time", "--record-mode=all", "--part")
        if recorded:
            return recorded
        return _pytest(tapes, "--record-mode=none", *(a for a in arguments if a != "--inside"))


def _pytest(tapes: str, *arguments: str) -> int:
    own = ["-c", str(HERE / "pytest.ini"), "-p", "tests.guard", "--tapes", tapes, str(HERE)]
    print("$ pytest", *arguments, flush=True)
    return subprocess.run([sys.executable, "-m", "pytest", *own, *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
