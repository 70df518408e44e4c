"""The count of langchain-tests: what makes `make conformance` fail beside a test that failed."""

import pytest

from tests.conformance.langchain.table import INTEGRATION, Outcome, Table

LACKS = {"test_pdf_inputs": "there is no PDF"}


def table(*, passed: int, also: tuple[Outcome, ...] = ()) -> Table:
    made = Table()
    for number in range(passed):
        made.add(Outcome("X", "json_mode", f"test_{number}", "passed"), LACKS)
    for outcome in also:
        made.add(outcome, LACKS)
    return made


def test_all_that_passed_and_what_is_known_to_lack_is_right() -> None:
    lacking = Outcome("X", "json_mode", "test_pdf_inputs", "skipped", "no PDF")
    made = table(passed=INTEGRATION - 1, also=(lacking,))
    assert made.faults() == []
    lines = list(made.lines())
    assert any(line.split() == ["X", "json_mode", "49", "1", "0", "50"] for line in lines)
    assert "skipped with X: test_pdf_inputs: there is no PDF" in lines


@pytest.mark.parametrize(
    ("test", "outcome", "said"),
    [
        ("test_stream", "skipped", "nothing is known to be lacking"),
        ("test_stream", "failed", "failed"),
        ("test_stream", "xfail", "xfail"),
        ("test_pdf_inputs", "passed", "said to be lacking"),
    ],
)
def test_a_skip_without_a_reason_a_failure_and_a_lack_that_is_none_are_wrong(
    test: str, outcome: str, said: str
) -> None:
    made = table(passed=INTEGRATION - 1, also=(Outcome("X", "json_mode", test, outcome),))
    assert said in "".join(made.faults())


def test_a_suite_that_has_shrunk_is_wrong() -> None:
    assert table(passed=INTEGRATION - 1).faults() == ["X, json_mode: 49 tests ran, and there are 50"]
