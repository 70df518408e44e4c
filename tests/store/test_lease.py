"""Leases as a state machine, on a real file and a clock that is moved by hand; and a process that is frozen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agentsdk.errors import LeaseLost, RunHeld
from agentsdk.store import Lease, Row
from agentsdk.store.sqlite import SqliteStore
from tests.store.stores import a_run, wait

SECONDS = 15.0


class Leases(RuleBasedStateMachine):
    """Drivers take, renew, write to and give back one run while time goes by; a model says who may."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.now = 1000.0
        self.store = SqliteStore(
            Path(self.folder.name) / "runs.db", lease_seconds=SECONDS, clock=lambda: self.now
        )
        first = wait(self.store.begin(a_run(owner="there:1:1:d0"), []))
        self.leases: list[Lease] = [first]
        self.holder: Lease | None = first
        self.until = self.now + SECONDS
        self.kept: dict[str, int] = {}

    @rule(seconds=st.sampled_from([1.0, 10.0, 16.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def another_driver_comes(self) -> None:
        owner = f"there:1:1:d{len(self.leases)}"
        if self.holder is not None and self.until > self.now:
            with pytest.raises(RunHeld):
                wait(self.store.take("r1", owner))
            return
        lease = wait(self.store.take("r1", owner))
        assert lease.generation == self.leases[-1].generation + 1
        self.leases.append(lease)
        self.holder, self.until = lease, self.now + SECONDS

    @rule(at=st.integers(0, 5), value=st.integers())
    def a_driver_writes(self, at: int, value: int) -> None:
        lease = self.leases[at % len(self.leases)]
        key = f"k{at}"
        if lease is not self.holder:
            with pytest.raises(LeaseLost):
                wait(self.store.write(lease, [Row(key, "step", value)]))
            return
        wait(self.store.write(lease, [Row(key, "step", value)]))
        self.kept.setdefault(key, value)
        self.until = self.now + SECONDS

    @rule(at=st.integers(0, 5))
    def a_driver_renews(self, at: int) -> None:
        lease = self.leases[at % len(self.leases)]
        if lease is not self.holder:
            with pytest.raises(LeaseLost):
                wait(self.store.renew(lease))
            return
        wait(self.store.renew(lease))
        self.until = self.now + SECONDS

    @rule()
    def the_driver_gives_it_back(self) -> None:
        if self.holder is not None:
            wait(self.store.release(self.holder, "stopped"))
            self.holder = None

    @invariant()
    def what_was_finished_first_stands(self) -> None:
        assert {r.key: r.value for r in wait(self.store.rows("r1"))} == self.kept

    def teardown(self) -> None:
        wait(self.store.close())
        self.folder.cleanup()


Leases.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestLeases: Any = Leases.TestCase

FROZEN = """
import asyncio, sys
from agentsdk.errors import LeaseLost
from agentsdk.store import Row
from agentsdk.store.owner import new_owner
from agentsdk.store.sqlite import SqliteStore
from tests.store.stores import a_run

async def go():
    store = SqliteStore(sys.argv[1])
    lease = await store.begin(a_run(owner=new_owner()), [])
    print("held", flush=True)
    sys.stdin.readline()
    try:
        await store.write(lease, [Row("k", "step", "frozen")])
    except LeaseLost:
        print("refused", flush=True)

asyncio.run(go())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows cannot freeze a process")
def test_a_frozen_process_that_wakes_up_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    frozen = subprocess.Popen(
        [sys.executable, "-c", FROZEN, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert frozen.stdout is not None
    assert frozen.stdout.readline() == "held\n"
    os.kill(frozen.pid, signal.SIGSTOP)
    with pytest.raises(RunHeld):
        wait(SqliteStore(path).take("r1", "there:1:1:x"))
    import time

    later = SqliteStore(path, clock=lambda: time.time() + 60)
    lease = wait(later.take("r1", "there:1:1:x"))
    wait(later.write(lease, [Row("k", "step", "taken over")]))
    os.kill(frozen.pid, signal.SIGCONT)
    told, _err = frozen.communicate("go\n", timeout=60)
    assert told == "refused\n"
    assert [r.value for r in wait(later.rows("r1"))] == ["taken over"]
