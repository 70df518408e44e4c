"""What the pages on models say, held against the tables and the source that they speak of."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentsdk.models.connect import PROVIDERS
from agentsdk.models.facts import Facts, settled
from agentsdk.models.families import family_of
from agentsdk.models.servers import SERVERS

ROOT = Path(__file__).parents[1]
DOCS = {"en": ROOT / "docs", "zh": ROOT / "docs" / "zh"}
SERVED_BY = {"openai": "openai", "ollama": "ollama", "dashscope": "dashscope"}
"""By page: whose models its table lists; on the other pages a row names its server."""

WORDS = {
    "en": {
        "pictures": "pictures", "sound": "sound", "video": "video", "native": "native", "words": "in words",
        "never": "no", "always": "always", "switch": "as told", True: "yes", False: "no", None: "?",
        "profile": "profile", "table": "table", "join": ", ",
    },
    "zh": {
        "pictures": "图片", "sound": "音频", "video": "视频", "native": "原生", "words": "文字描述",
        "never": "否", "always": "始终", "switch": "可开关", True: "是", False: "否", None: "?",
        "profile": "LangChain", "table": "我们的表", "join": "、",
    },
}  # fmt: skip


def rows() -> Iterator[tuple[str, str, str, str, list[str]]]:
    """Yield each model of a table: language, page, server, name, and the cells that speak of it."""
    for language, folder in DOCS.items():
        for page in sorted((folder / "providers").glob("*.md")):
            reading = False
            for line in page.read_text(encoding="utf-8").splitlines():
                cells = [c.strip() for c in line.strip("|").split("|")]
                if not line.startswith("|"):
                    reading = False
                elif cells[-1] in ("known from", "依据"):
                    reading = True
                elif reading and set(line) - set("|-"):
                    named = cells[0].startswith("`") and len(cells) == 9
                    server = cells.pop(0).strip("`") if named else SERVED_BY[page.stem]
                    for name in re.findall(r"`([^`]+)`", cells[0]):
                        yield language, page.stem, server, name, cells[1:]


def told(language: str, server: str, name: str) -> list[str]:
    """Return what a table is to say of a model."""
    words = WORDS[language]
    facts = settled(Facts(), name, SERVERS[server])
    takes = [
        str(words[word])
        for word, able in (("pictures", facts.vision), ("sound", facts.audio), ("video", facts.video))
        if able
    ]
    return [
        f"{facts.context:,}" if facts.context else "?",
        f"{facts.output:,}" if facts.output else "?",
        str(words["join"]).join(takes) or "–",
        str(words["native" if facts.tools else "words"]),
        str(words[facts.thinking or "never"]),
        str(words[facts.json_schema]),
        str(words["profile" if facts.sources["thinking"].startswith("LangChain") else "table"]),
    ]


@pytest.mark.parametrize(
    ("language", "page", "server", "name", "cells"), list(rows()), ids=[f"{r[0]}-{r[1]}-{r[3]}" for r in rows()]
)
def test_a_table_of_models_says_what_is_known_of_them(
    language: str, page: str, server: str, name: str, cells: list[str]
) -> None:
    assert cells == told(language, server, name)
    assert family_of(name).name != "unknown" or cells[-1] == WORDS[language]["profile"]


def test_the_tables_of_models_are_found() -> None:
    assert {(language, page) for language, page, *_rest in rows()} == {
        (language, page) for language in DOCS for page in (*SERVED_BY, "hosted", "anthropic-and-google")
    }


def kinds() -> set[str]:
    """Return the kinds of repairs that are written anywhere in the source."""
    found = {"call.asked again", "fit.asked again"}  # written as f"{stage}.asked again"
    for file in (ROOT / "agentsdk" / "models").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            first = node.args[0]
            if called == "append" and isinstance(first, ast.Tuple):
                first = first.elts[0]
            elif called not in ("Repair", "_note"):
                continue
            texts = [str(n.value) for n in ast.walk(first) if isinstance(n, ast.Constant)]
            found |= {t for t in texts if re.fullmatch(r"[a-z]+\.[a-z_ ]+", t)}
    return found


@pytest.mark.parametrize("language", list(DOCS))
def test_each_kind_of_repair_is_told_and_no_other(language: str) -> None:
    page = (DOCS[language] / "tool-calls.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z]+\.[a-z_ ]+)` \|", page, re.MULTILINE))
    assert listed == kinds()


@pytest.mark.parametrize("language", list(DOCS))
def test_each_provider_has_its_row_and_each_kind_of_server_is_named(language: str) -> None:
    page = (DOCS[language] / "models.md").read_text(encoding="utf-8")
    assert {p for p in PROVIDERS if f'"{p}:' not in page} == set()
    pages = "".join(p.read_text(encoding="utf-8") for p in (DOCS[language] / "providers").glob("*.md"))
    named = set(SERVERS) - {"compatible", "dashscope-compatible", "ollama-compatible"}
    assert {n for n in named if f"`{n}`" not in pages} == set()


@pytest.mark.parametrize("language", list(DOCS))
def test_the_map_names_each_file_that_models_are_asked_by(language: str) -> None:
    page = (DOCS[language] / "architecture.md").read_text(encoding="utf-8")
    models = ROOT / "agentsdk" / "models"
    files = [f for folder in (".", "repair", "chat") for f in (models / folder).glob("[!_]*.py")]
    assert [f.name for f in files if f.name not in page] == []
    named = {name for name in re.findall(r"[\w/]*\w\.py", page) if "/" not in name.removeprefix("models/")}
    known = {f.name for f in ROOT.joinpath("agentsdk").rglob("*.py")}
    assert {n for n in named if n.rpartition("/")[2] not in known} - {
        "test_architecture.py",
        "messages.py",
    } == set()
