"""What "how many" asks the number of."""

import pytest

from agentsdk.models.offline.concepts import concepts_in
from agentsdk.models.offline.counted import counted_in, is_counted


@pytest.mark.parametrize(
    ("question", "sentence", "said"),
    [
        ("How many dealers are there?", "Lamps are sold by 340 dealers in 17 countries.", True),
        ("How many dealers are there?", "New dealers are trained for one day.", False),
        ("How many members does the club have?", "A member may bring two guests at a time.", False),
        ("How many lamps were made?", "The factory has made every lamp since 2016.", False),
        ("公司有多少员工？", "公司有员工 860 人。", True),
        ("公司有多少员工？", "入职满三个月的员工可参加补充医疗保险。", False),
        ("逾期归还收多少滞纳金？", "每册每天收取 0.2 元滞纳金。", True),
        ("逾期归还收多少滞纳金？", "滞纳金每月缴纳一次，办证押金 100 元。", False),
        ("公司有多少员工？", "员工每人每年有 3,000 元的学习经费。", False),
    ],
)
def test_a_number_counts_only_what_it_stands_beside(question: str, sentence: str, said: bool) -> None:
    counted = counted_in(question, concepts_in(question))
    assert counted is not None
    assert is_counted(sentence, counted) is said


def test_a_span_of_time_is_no_count() -> None:
    assert counted_in("要提前多少天通知？", concepts_in("要提前多少天通知？")) is None
