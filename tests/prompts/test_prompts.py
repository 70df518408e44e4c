import re
from pathlib import Path

import pytest

import agentsdk.prompts
from agentsdk.prompts import render

FOLDER = Path(agentsdk.prompts.__file__).parent


def holes(path: Path) -> set[str]:
    return set(re.findall(r"\{\{(\w+)\}\}", path.read_text(encoding="utf-8")))


def test_every_prompt_stands_in_both_languages_with_the_same_holes() -> None:
    english = {p.name: holes(p) for p in (FOLDER / "en").glob("*.md")}
    chinese = {p.name: holes(p) for p in (FOLDER / "zh").glob("*.md")}
    assert english == chinese
    assert english


def test_a_value_without_a_hole_and_a_hole_without_a_value_are_refused() -> None:
    with pytest.raises(KeyError, match="goal"):
        render("think", "en", goal="x")
    with pytest.raises(KeyError, match="more"):
        render("system", "en", more="x")


def test_what_fills_a_hole_is_not_searched_for_holes() -> None:
    assert "{{material}}" in render("think", "en", goal="{{material}}", material="m")
