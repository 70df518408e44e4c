import re
from pathlib import Path

import pytest

import agentsdk.prompts
from agentsdk.prompts import lengths, render

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


@pytest.mark.parametrize("folder", ["docs", "docs/zh"])
def test_the_page_on_prompts_says_what_they_cost(folder: str) -> None:
    page = (Path(__file__).parents[2] / folder / "prompts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    assert len(rows) == 8
    english, chinese = lengths("en"), lengths("zh")
    assert [(n, int(e), int(z)) for n, e, z in rows] == [(n, english[n], chinese[n]) for n, _e, _z in rows]


def test_no_prompt_is_much_longer_in_one_language_than_in_the_other() -> None:
    english, chinese = lengths("en", "qwen"), lengths("zh", "qwen")
    assert all(0.5 < chinese[name] / english[name] < 2 for name in english)
