"""The fault matrix: every case once, in turn by protocol, mode and api; the whole runs as a command."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from agentsdk.testing.standin.faults import FAULTS
from tests.conformance.fault_cases import CASES, Case, Mode
from tests.conformance.faults import PROTOCOLS, cell, totals

FACES = ("model", "langchain")
PATIENT = 8.0
"""Seconds beyond the deadline: the command holds it to half a second, and a busy machine that runs tests does not."""

INSIDE = [c for c in CASES if c.fault != "dns"]
"""No test asks for a name that is not this machine's; the command does."""


def test_every_case_ends_as_the_table_says() -> None:
    modes: tuple[Mode, ...] = ("stream", "call")
    cells = [
        (
            case,
            PROTOCOLS[at % 4],
            modes[at // 4 % 2],
            ("async", "sync")[at // 8 % 2],
            FACES[at // 16 % 2],
            PATIENT,
        )
        for at, case in enumerate(INSIDE)
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda c: cell(*c), cells))
    assert [
        (x["fault"], x["protocol"], x["mode"], x["api"], x["face"], x["wrong"]) for x in found if not x["ok"]
    ] == []
    assert totals(found)["cells"] == len(INSIDE)


def test_the_table_knows_every_fault_that_the_stand_in_can_play() -> None:
    assert {c.fault for c in CASES} - {"", "refused", "dns"} == set(FAULTS)
    assert len({c.name for c in CASES}) == len(CASES) > 36


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"call": "answer"}, "and not answer"),
        ({"most": 0}, "requests were sent"),
        ({"facts": {"status": 418}}, "status is"),
    ],
)
def test_a_cell_that_is_not_as_the_table_says_is_told(changes: dict[str, object], word: str) -> None:
    quota: Case = next(c for c in CASES if c.name == "quota")
    line = cell(replace(quota, **changes), "chat", "call", "async")  # type: ignore[arg-type]  # fields by name
    assert not line["ok"]
    assert word in " ".join(line["wrong"])
