import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsdk import References
from agentsdk.references.load import Source
from agentsdk.references.rank import Index
from agentsdk.references.split import LONGEST, split
from agentsdk.references.words import sentences, terms

GUIDE = """# Guide

## Power

The adapter is rated at 5 V.

| Model | Price | 重量 |
|---|---|---|
| Alpha | $10 | 90 g |
| Beta | $20 | 100 g |

## 退款

退款需要七天，由客服办理。
"""


def test_chinese_becomes_pairs_and_english_stems_without_the_words_that_ask() -> None:
    assert terms("How many batteries does the X-200 have?", words=False) == ["battery", "x-200", "x", "200"]
    assert terms("请问退款需要几天？", words=False)[:2] == ["退款", "几天"] or "退款" in terms(
        "请问退款需要几天？", words=False
    )
    assert terms("installed", words=False) == terms("install", words=False)
    assert terms("what is the", words=False) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It gives 5 V. It is safe.", 2), ("See v1.2 and e.g. that. Yes!", 2), ("Dr. Smith paid $3.50 for it.", 1),
        ("第一句。第二句！第三句？", 3), ("| a | b |\n|---|---|\n| 1 | 2 |\n", 3), ("- one\n- two\n- three", 3), ("line one\ngoes on", 1),
    ],
)  # fmt: skip
def test_sentences_items_and_rows_are_told_apart(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_a_row_is_found_with_its_header_and_is_a_slice_of_the_source() -> None:
    references = References.from_texts({"g.md": GUIDE})
    best = references.search("price of Beta")[0]
    assert best.heading == "Guide > Power > Model | Price | 重量"
    assert references.text("g.md")[best.start : best.end] == best.text
    assert references.text("g.md").count("\n", 0, best.start) + 1 == best.line
    assert references.search("退款要多久")[0].heading == "Guide > 退款"
    assert references.search("parking") == []
    assert references.search("") == references.search("???") == []


@pytest.mark.parametrize(
    "query",
    ['"', "a OR b AND NOT (", "NEAR(x, 5)", "heading:x", "*", "-5 V", "' OR 1=1 --", "\x00", "重量 AND"],
)
def test_no_query_is_a_syntax_error(query: str) -> None:
    References.from_texts({"g.md": GUIDE}).search(query)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab 。.\n|#-`=*1", max_size=3000))
def test_passages_are_slices_that_hold_every_character_but_blanks(text: str) -> None:
    source = Source("s", text, "markdown")
    covered: set[int] = set()
    for passage in split(source):
        assert text[passage.start : passage.end] == passage.text
        assert len(passage.text) <= LONGEST
        assert passage.line == source.line(passage.start)
        covered.update(range(passage.start, passage.end))
    assert {i for i, c in enumerate(text) if not c.isspace()} <= covered


def test_an_index_is_kept_and_used_again_and_made_anew_when_something_changed(tmp_path: Path) -> None:
    sources = [Source("g.md", GUIDE, "markdown")]
    Index(sources, tmp_path)
    (first,) = tmp_path.glob("*.sqlite")
    made = first.stat().st_mtime_ns
    assert Index(sources, tmp_path).search("adapter", 1)
    assert [first] == list(tmp_path.glob("*.sqlite"))
    assert first.stat().st_mtime_ns == made
    Index([Source("g.md", GUIDE + "\nnew", "markdown")], tmp_path)
    assert len(list(tmp_path.glob("*.sqlite"))) == 2
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    sources = [Source("g.md", GUIDE, "markdown")]
    Index(sources, tmp_path).close()
    (file,) = tmp_path.glob("*.sqlite")
    if damage is None:
        db = sqlite3.connect(file)
        db.execute("DROP TABLE found")
        db.commit()
        db.close()
    else:
        file.write_bytes(damage)
    assert Index(sources, tmp_path).search("adapter", 1)


def test_a_folder_that_cannot_be_written_costs_only_the_file(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    assert Index([Source("g.md", GUIDE, "markdown")], blocked / "below").search("adapter", 1)


def test_many_threads_search_one_index() -> None:
    references = References.from_texts({"g.md": GUIDE})
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(references.search("adapter price"))))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 16


def test_a_quote_in_another_source_than_named_says_so() -> None:
    references = References.from_texts({"a.md": "alpha beta gamma", "b.md": "delta epsilon"})
    here, there = references.locate("alpha beta", "a.md"), references.locate("alpha beta", "b.md")
    assert here is not None
    assert there is not None
    assert (here.check, there.check, there.source) == ("exact", "elsewhere", "a.md")
    assert references.locate("zeta eta") is None
