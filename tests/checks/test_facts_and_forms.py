"""Facts, Format, Sourced, On, and functions of one's own."""

import asyncio
from dataclasses import dataclass
from decimal import Decimal

import pytest

from agentsdk.checks import Candidate, Facts, Fault, Format, Length, On, Sourced, check
from agentsdk.checks.numbers import as_number, chinese, numbers, same_number
from agentsdk.errors import ConfigurationError
from agentsdk.evidence import Citation, Evidence


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("2,340 and -5, 10-5", ["2340", "-5", "10", "5"]),
        ("v1.2.3 and E02", []),
        ("3.5万元，三十天，二〇二六年", ["35000", "30", "2026"]),
        ("3 million, ２０", ["3000000", "20"]),
        ("一样，第三章", []),
    ],
)
def test_numbers_are_read_in_both_languages(text: str, values: list[str]) -> None:
    assert [n.value for n in numbers(text)] == [Decimal(v) for v in values]


def test_chinese_numerals_have_their_value() -> None:
    assert [chinese(n) for n in ("十", "一百零五", "一万两千三百零四", "三亿五千万")] == [
        10,
        105,
        12304,
        350000000,
    ]


def test_a_rounded_number_is_the_same_and_a_whole_one_is_exact() -> None:
    def same(a: float, b: float, tolerance: float = 0) -> bool:
        return same_number(as_number(a), as_number(b), tolerance)

    assert same(33.3333, 33.3)
    assert not same(33.4, 33)
    assert not same(1000, 1001)
    assert same(1000, 1001, 0.01)
    assert same_number(numbers("17%")[0], as_number(0.17))


def test_facts_are_found_as_text_number_or_synonym() -> None:
    facts = Facts(["30 days", ["refund", "money back"], 2340, "五年"])
    assert facts(Candidate("Money  back within 30 DAYS: 2,340 yuan，五年。")) == []
    (fault,) = facts(Candidate("Money back within 130 days."))
    assert fault.kind == "facts"
    assert "30 days; 2340; 五年" in fault.text


def test_k_of_n_facts_are_enough() -> None:
    assert Facts(["a b", "c d", "e f"], at_least=2)(Candidate("a b, e f")) == []
    assert Facts(["a b", "c d", "e f"], at_least=2)(Candidate("e f")) != []
    with pytest.raises(ConfigurationError):
        Facts(["a"], at_least=2)


def test_the_number_of_a_citation_is_no_fact() -> None:
    cited = Candidate("It is so [1].", citations=(Citation("a.md", 0, 1, 1, "x"),))
    assert Facts([1])(cited) != []


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (Format(json=True), '{"a": [1]}', "{a: 1}"),
        (Format(json="array"), "[1]", '{"a": 1}'),
        (Format(table=True), "So:\n\n| a | b |\n|---|---|\n| 1 | 2 |", "a, b"),
        (
            Format(table=("City", "Days")),
            "| city | days |\n|---|---|\n| Oslo | 2 |",
            "| city |\n|---|\n| Oslo |",
        ),
        (Format(table=True), "| a |\n|---|\n| x \\| y |", "| a | b |\n|---|---|\n| 1 |"),
        (Format(matches=r"^\d+$"), "42", "42 V"),
        (Format(starts="Dear", ends="."), "Dear all.", "Hello."),
        (Format(language="zh"), "用 Python 写的 `print` 函数很简单。", "It is simple."),
        (Format(language="en"), "The word 你好 is a greeting.", "很简单。"),
        (Format(language="zh"), "397.8", "こんにちは、元気ですか"),
    ],
)
def test_a_form_is_kept_or_told(form: Format, good: str, bad: str) -> None:
    assert form(Candidate(good)) == []
    assert [f.kind for f in form(Candidate(bad))][:1] == ["format"]


def test_a_fence_around_json_is_taken_off() -> None:
    assert Format(json=True).tidy(Candidate('```json\n{"a": 1}\n```')) == '{"a": 1}'


def test_the_language_may_be_that_of_the_question() -> None:
    assert Format(language="question")(Candidate("It is.", language="zh")) != []


CITED = (Citation("a.md", 0, 3, 1, "5 V"),)


def test_a_statement_without_a_source_is_told_and_what_needs_none_is_not() -> None:
    text = "It is rated at 5 V [1]. The maker was founded in Oslo. Which one is yours? The text does not mention parking."
    (fault,) = Sourced()(Candidate(text, citations=CITED))
    assert fault == Fault("No source is given for: The maker was founded in Oslo.", "uncited")
    assert Sourced(by="paragraph")(Candidate(text, citations=CITED)) == []


def test_a_mark_without_its_citation_is_no_source_and_a_tools_result_is_one() -> None:
    assert Sourced()(Candidate("The maker was founded in Oslo [7].", citations=CITED)) != []
    steps = (Evidence("c1", "calculator", value="397.8"),)
    assert Sourced()(Candidate("That comes to 397.80 in all.", steps=steps)) == []


def test_chinese_statements_are_held_alike() -> None:
    found = Sourced()(Candidate("额定电压是五伏[1]。该公司成立于奥斯陆。手册没有提到停车。", citations=CITED))
    assert [f.text for f in found] == ["No source is given for: 该公司成立于奥斯陆。"]


@dataclass
class Leg:
    note: str


@dataclass
class Trip:
    legs: list[Leg]


def test_a_check_can_be_held_against_parts_of_the_output() -> None:
    trip = Trip([Leg("Short."), Leg("This is far too long.")])
    found = asyncio.run(On("legs.*.note", Length(max_words=2))(Candidate("", output=trip)))
    assert [f.text for f in found] == ["legs[1].note: words: 5; at most 2 were asked for."]
    assert "no days" in asyncio.run(On("days", Length(max_words=2))(Candidate("", output=trip)))[0].text


def test_functions_are_checks_and_what_they_return_is_read() -> None:
    def found(verdict: object) -> list[str]:
        return [f.text for f in check.read_verdict(verdict, "mine")]  # type: ignore[arg-type]  # all kinds

    assert found(None) == found(True) == found("") == found([]) == []
    assert found("bad") == ["bad"]
    assert found(["a", Fault("b"), ""]) == ["a", "b"]
    assert "mine" in found(False)[0]


def test_what_is_no_check_is_refused_before_a_call() -> None:
    with pytest.raises(ConfigurationError, match="class"):
        check.taken([Length])
    with pytest.raises(ConfigurationError, match="not a check"):
        check.taken(["length"])
