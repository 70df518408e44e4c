"""What kind of thing a question asks for."""

import pytest

from agentsdk.models.offline.expected import expected_in


@pytest.mark.parametrize(
    ("question", "kind", "holds", "fails"),
    [
        (
            "Where are repairs done?",
            "where",
            "Repairs are done in a workshop in\nUtrecht.",
            "Repairs cost little.",
        ),
        ("When was it founded?", "year", "It was founded in 1908.", "It was founded by a merchant."),
        ("What is the phone number?", "phone", "Call 0550 220 118.", "Call the warden."),
        ("紫砂壶是谁做的？", "who", "壶由匠人顾明远制作。", "收藏茶具 1,200 余件，镇馆之宝是一把清代紫砂壶。"),
        ("官网什么时候停机维护？", "when", "官网每月第一个周日停机维护。", "官网停机维护。"),
    ],
)
def test_a_sentence_answers_only_with_the_kind_of_thing_asked_for(
    question: str, kind: str, holds: str, fails: str
) -> None:
    expected = expected_in(question)
    assert expected is not None
    assert expected.kind == kind
    assert expected.holds(holds)
    assert not expected.holds(fails)
