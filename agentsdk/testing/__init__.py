"""For testing agents: scripted models, a stand-in provider, and cassettes that record a run once and replay it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentsdk.testing.scripted import ScriptedModel, call, plan

if TYPE_CHECKING:
    from agentsdk.testing.tape import Mode, Tape

__all__ = ["ScriptedModel", "call", "cassette", "plan"]


@contextmanager
def cassette(path: str | os.PathLike[str], record: Mode = "none") -> Iterator[Tape]:
    """Replay the HTTP requests of this block from a file, or record them: outside pytest as well.

    Args:
        path: the cassette.
        record: "none" replays and refuses every request that was not recorded; "missing" records those; "all"
            records anew.

    Raises:
        CassetteMiss: a request was not recorded, or there is no such file.
        CassetteDamaged: the file cannot be trusted.

    """
    from agentsdk.testing.http import playing
    from agentsdk.testing.tape import Tape

    with playing(Tape(Path(path), record)) as tape:
        yield tape
