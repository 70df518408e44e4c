"""The short version of `python -m tests.crash`: a few kills of a real process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.crash.kill import crash


@pytest.mark.skipif(sys.platform == "win32", reason="a worker starts too slowly there without a fork server")
def test_a_killed_run_goes_on_to_the_answer_that_it_would_have_had(tmp_path: Path) -> None:
    tally = crash(tmp_path, kills=6, seed=5)
    assert tally.clean, str(tally)
    assert tally.kills >= 6
