"""The three sources of inputs: plain chance, hypothesis, and atheris, which is led by what the code does.

All draw from the same generators: these ask a `random.Random` for everything, and each engine has one of its own.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from tests.fuzz.reader import SLOW, Reader, Violation
from tests.fuzz.tally import Tally

CHILD = "TESTS_FUZZ_CHILD"
"""Set in the process that atheris drives: the file to write its tally to."""
INSTALL = "uv pip install atheris"
INSTRUMENTED = 2.0
"""Seconds that a reading may take under atheris, which counts each branch: it is not the code that runs elsewhere."""


def plain(reader: Reader, inputs: int, seed: int, tally: Tally, first: int = 0, most: float = SLOW) -> None:
    """Feed inputs drawn by chance; each can be drawn again by its number."""
    began = time.process_time()
    for number in range(first, first + inputs):
        sample = reader.make(chance_of(reader.name, seed, number))
        with contextlib.suppress(Violation):  # it is counted
            tally.take(reader, sample, f"seed {seed} number {number}", most)
    tally.seconds += time.process_time() - began


def chance_of(name: str, seed: int, number: int) -> Random:
    """Return the chance that one input is drawn from."""
    return Random((zlib.crc32(name.encode()) << 64) + (seed << 40) + number)


def by_hypothesis(reader: Reader, inputs: int, seed: int, tally: Tally) -> None:
    """Feed inputs drawn by hypothesis; one that is wrong is made small, and ends the reader's turn."""
    drawn = st.randoms(use_true_random=False).map(reader.make)
    strategy = drawn if reader.strategy is None else drawn | reader.strategy()
    wrong: list[tuple[Violation, Any]] = []
    held = Tally(reader.name, save=tally.save)

    @seeded(seed)
    @settings(
        max_examples=inputs,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @given(strategy)
    def each(sample: Any) -> None:
        # What hypothesis itself does is no part of a reading.
        gc.disable()
        try:
            held.take(reader, sample, f"hypothesis seed {seed}")
        except Violation as found:
            wrong[:] = [(found, sample)]
            raise
        finally:
            gc.enable()

    began = time.process_time()
    with contextlib.suppress(Violation):
        each()
    held.violations, held.more = [], 0
    for found, sample in wrong:  # the smallest one
        held.note(found, sample, f"hypothesis seed {seed}")
    held.seconds = time.process_time() - began
    tally.add(held)


def has_atheris() -> bool:
    """Return whether atheris is installed; it has wheels for Linux only."""
    return importlib.util.find_spec("atheris") is not None


def by_atheris(names: Sequence[str], inputs: dict[str, int], seed: int, save: Path | None) -> dict[str, Tally]:
    """Feed inputs led by atheris, each reader in a process of its own: libFuzzer never returns from one.

    Raises:
        ImportError: it is not installed.

    """
    if not has_atheris():
        raise ImportError(f"atheris is not installed. It is optional, and for Linux: {INSTALL}")
    tallies = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "tally.json"
            command = [sys.executable, "-m", "tests.fuzz", "--engine", "atheris", "--reader", name]
            command += ["--inputs", str(inputs[name]), "--seed", str(seed)]
            command += ["--save", str(save)] if save else []
            done = subprocess.run(
                command, env={**os.environ, CHILD: str(file)}, capture_output=True, text=True, check=False
            )
            if not file.exists():
                raise RuntimeError(f"atheris ended without a result:\n{done.stderr[-2000:]}")
            tallies[name] = Tally.of(json.loads(file.read_text(encoding="utf-8")))
            # How long it took is not how long it takes elsewhere.
            tallies[name].slowest_ms, tallies[name].slowest = 0.0, ""
    return tallies


def child_of_atheris(name: str, inputs: int, seed: int, save: Path | None) -> None:
    """Feed one reader in this process, and leave it with the tally written down."""
    import atheris

    with atheris.instrument_imports(include=["agentsdk.models"], enable_loader_override=False):
        from tests.fuzz.readers import READERS

    reader = READERS[name]
    tally = Tally(name, save=save)
    began = time.process_time()

    def each(data: bytes) -> None:
        with contextlib.suppress(Violation):  # it is counted
            tally.take(reader, reader.make(Bytes(data)), f"atheris seed {seed}", INSTRUMENTED)
        if tally.inputs >= inputs:
            tally.seconds = time.process_time() - began
            Path(os.environ[CHILD]).write_text(json.dumps(tally.told()), encoding="utf-8")
            os._exit(0)

    folder = Path(os.environ[CHILD]).parent  # libFuzzer's own files; they go with it
    options = [
        f"-seed={seed + 1}",
        "-max_len=4096",
        "-timeout=60",
        "-rss_limit_mb=4096",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([sys.argv[0], *options], each)
    atheris.Fuzz()


class Bytes(Random):
    """Chance that comes from bytes, and when they are used up from a number made of them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(zlib.crc32(data))
        self._data = data
        self._at = 0

    def getrandbits(self, k: int, /) -> int:
        size = (k + 7) // 8
        if self._at + size > len(self._data):
            return super().getrandbits(k)
        found = int.from_bytes(self._data[self._at : self._at + size], "little")
        self._at += size
        return found & ((1 << k) - 1)

    def random(self) -> float:
        return self.getrandbits(24) / (1 << 24)
