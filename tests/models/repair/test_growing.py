"""Pieces that repeat what came before, and pieces that only look like it."""

from hypothesis import given
from hypothesis import strategies as st

from agentsdk.models.repair.growing import Growing


def joined(*pieces: str) -> tuple[str, bool]:
    growing = Growing()
    return "".join([*map(growing.feed, pieces), growing.rest()]), growing.repeats


def test_pieces_that_repeat_all_that_came_are_said_once() -> None:
    assert joined("He", "Hello", "Hello you", "Hello you", "Hello you.") == ("Hello you.", True)


def test_short_pieces_that_happen_to_begin_alike_are_added() -> None:
    assert joined("a", "aa") == ("aaa", False)
    assert joined("1", "11", "111") == ("111111", False)
    assert joined("ha", "haha", "hahahaha") == ("hahahahahahaha", False)
    assert joined("-", "--", "--------", "-----------") == ("-" * 22, False)


def test_a_piece_that_adds_after_all_is_added() -> None:
    assert joined("He", "Hello", "Hello you", " there", " there!") == ("Hello you there there!", True)


def test_nothing_is_held_back_of_pieces_that_do_not_begin_alike() -> None:
    growing = Growing()
    assert [growing.feed(piece) for piece in ("He", "llo", " you", " you")] == ["He", "llo", " you", " you"]


@given(st.lists(st.text(alphabet="ab\n世", max_size=4), max_size=12))
def test_no_letter_of_pieces_that_add_is_lost(pieces: list[str]) -> None:
    said, repeats = joined(*pieces)
    assert repeats or said == "".join(pieces)


@given(st.lists(st.text(min_size=1, max_size=6), min_size=3, max_size=9))
def test_what_repeats_is_its_last_piece_and_comes_in_order(pieces: list[str]) -> None:
    grown = ["".join(pieces[: at + 1]) for at in range(len(pieces))]
    growing = Growing()
    said = ""
    for piece in grown:
        said += growing.feed(piece)
        assert piece.startswith(said) or not growing.repeats
    assert said + growing.rest() == (grown[-1] if growing.repeats else "".join(grown))
