"""A small share of the fuzzer's inputs, always the same ones, and faults planted to see that it finds them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.fuzz import engines
from tests.fuzz.__main__ import main
from tests.fuzz.reader import Reader, Violation, Watch, same
from tests.fuzz.readers import READERS
from tests.fuzz.tally import Tally, as_json, table

INPUTS = 250
SECONDS = 10.0
"""A reading may take in a test: whether it takes less than 100 ms is for a quiet machine to say."""


@pytest.mark.parametrize("name", READERS)
def test_inputs_of_every_kind_end_as_they_should(name: str) -> None:
    tally = Tally(name)
    engines.plain(READERS[name], INPUTS, seed=1, tally=tally, most=SECONDS)
    assert tally.inputs == INPUTS
    assert not tally.violations, table([tally])


@pytest.mark.parametrize("name", ["thoughts", "text calls", "collector", "arguments", "frames"])
def test_hypothesis_draws_from_the_same_readers(name: str) -> None:
    tally = Tally(name)
    engines.by_hypothesis(READERS[name], 40, 0, tally)
    assert tally.inputs
    assert not [v for v in tally.violations if v["kind"] != "slow"], table([tally])


def text(chance: Random) -> str:
    return "".join(chance.choices("abc<", k=chance.randrange(8)))


def refuses(sample: str, watch: Watch) -> None:
    watch.read(lambda: int(sample, 16))


def raises(sample: str, watch: Watch) -> None:
    watch.read(lambda: {"a": 1}[sample] if "<" in sample else None)


def differs(sample: str, watch: Watch) -> None:
    whole = watch.read(lambda: re.findall("bc", sample))
    same("cut", watch.read(lambda: re.findall("bc", sample[:2]) + re.findall("bc", sample[2:])), whole)


def lingers(sample: str, watch: Watch) -> None:
    def spin() -> None:
        end = time.thread_time() + 0.15
        while sample and time.thread_time() < end:
            pass

    watch.read(spin)


@pytest.mark.parametrize(("check", "kind"), [(raises, "error"), (differs, "cut"), (lingers, "slow")])
@pytest.mark.parametrize("engine", [engines.plain, engines.by_hypothesis])
def test_a_fault_is_found_and_its_input_is_kept(
    check: Callable[[Any, Watch], None], kind: str, engine: Callable[..., None], tmp_path: Path
) -> None:
    tally = Tally("planted", save=tmp_path)
    engine(Reader("planted", text, check), 2 if kind == "slow" else 60, 0, tally)
    assert {v["kind"] for v in tally.violations} == {kind}
    kept = (tmp_path / f"planted-{kind}-1.txt").read_text(encoding="utf-8")
    with pytest.raises(Violation, match=kind):
        Reader("planted", text, check).take(eval(kept))
    assert kind in table([tally])
    assert json.loads(as_json([tally]))["violations"] == len(tally.violations) + tally.more


def test_documented_errors_are_counted_and_are_no_violation() -> None:
    tally = Tally("planted")
    engines.plain(Reader("planted", text, refuses, (ValueError,)), 200, 0, tally)
    assert not tally.violations
    assert 0 < tally.errors["ValueError"] < 200


def test_an_input_is_drawn_again_by_its_number() -> None:
    reader = READERS["text calls"]
    assert reader.make(engines.chance_of("text calls", 3, 7)) == reader.make(
        engines.chance_of("text calls", 3, 7)
    )
    assert reader.make(engines.chance_of("text calls", 3, 7)) != reader.make(
        engines.chance_of("text calls", 3, 8)
    )


def test_the_command_prints_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--inputs", "60", "--reader", "names", "--reader", "json", "--json", "--engine", "plain"])
    told = json.loads(capsys.readouterr().out)
    assert told["inputs"] == sum(reader["inputs"] for reader in told["readers"]) > 50
    assert [reader["reader"] for reader in told["readers"]] == ["names", "json"]


def test_a_reader_that_there_is_not_is_told_with_those_that_there_are() -> None:
    with pytest.raises(SystemExit, match=r"no reader called nope.*text calls"):
        main(["--reader", "nope"])


@pytest.mark.skipif(engines.has_atheris(), reason="atheris is installed")
def test_atheris_is_named_with_its_install_line_where_it_is_missing() -> None:
    with pytest.raises(ImportError, match="uv pip install atheris"):
        main(["--engine", "atheris", "--inputs", "10"])


@pytest.mark.skipif(not engines.has_atheris(), reason="atheris is not installed: it is optional, and for Linux")
def test_atheris_leads_inputs_to_a_reader(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--engine", "atheris", "--inputs", "200", "--reader", "names", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["inputs"] == 200


def test_bytes_that_are_used_up_go_on_as_chance() -> None:
    ours = engines.Bytes(b"\x00" * 4)
    assert [ours.randrange(256) for _ in range(2)] == [0, 0]
    assert len({ours.random() for _ in range(50)}) > 10
