"""The Chinese catalogue is whole: every sentence, with its holes, and compiled."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / ".ci"))

import messages  # it lies beside the scripts of CI, and not in a package
import pytest  # after the path was set

from agentsdk.i18n import _, language, language_of  # as above


def holes(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{[^{}]*\}", text)))


def test_every_sentence_of_the_source_is_in_the_catalogue_and_translated() -> None:
    known = {m.id: m.string for m in messages.current() if m.id}
    missing = [m.id for m in messages.extracted() if m.id and not known.get(m.id)]
    assert missing == []


def test_nothing_in_the_catalogue_is_left_over() -> None:
    wanted = {m.id for m in messages.extracted()}
    assert [m.id for m in messages.current() if m.id and m.id not in wanted] == []


def test_each_translation_has_the_holes_of_its_sentence() -> None:
    wrong = [m.id for m in messages.current() if m.id and holes(str(m.id)) != holes(str(m.string))]
    assert wrong == []


def test_the_compiled_catalogue_is_that_of_the_text() -> None:
    assert messages.PO.with_suffix(".mo").read_bytes() == messages.compiled(messages.current())


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"AGENTSDK_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_that_of_the_user(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    for name in ("AGENTSDK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert language() == expected
    assert _("The question is empty.") == ("问题为空。" if expected == "zh" else "The question is empty.")


def test_the_language_of_a_text_is_seen() -> None:
    assert (
        language_of("什么"),
        language_of("What?"),
        language_of("これは何ですか"),
        language_of("GPT 是什么"),
    ) == (
        "zh",
        "en",
        "en",
        "zh",
    )
