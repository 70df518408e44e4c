"""Search by meaning: what is embedded once, what an interruption costs, what is said where it cannot be done."""

import math
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.embeddings import DeterministicFakeEmbedding, Embeddings
from langchain_core.vectorstores import InMemoryVectorStore

from agentsdk import Agent, References
from agentsdk.embeddings import connect_embeddings
from agentsdk.errors import BadResponse, ConfigurationError, Overloaded
from agentsdk.references import vectors
from agentsdk.references.fuse import K, fuse
from agentsdk.references.vectors import NAME, VectorFile, by_numpy, key_of, nearest, pack, plainly
from agentsdk.testing.scripted import ScriptedModel, call
from agentsdk.testing.standin import Standin
from agentsdk.testing.standin.embeddings import vector_of

TEXTS = {
    "guide.md": "# Warranty\n\nThe lamp has a warranty of five years.\n\n# Parking\n\nParking is free on Sundays.\n",
    "图书馆.md": "# 读者证\n\n读者证有效期为三年。\n\n# 借书\n\n每次最多借十册。\n",
}


class Words(Embeddings):
    """Hashed words, under the name of a model; what it was asked is kept."""

    def __init__(self, model: str = "words", size: int = 64) -> None:
        self.model = model
        self.size = size
        self.documents: list[str] = []
        self.queries: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.documents += texts
        return [vector_of(text, self.size) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        self.queries.append(text)
        return vector_of(text, self.size)


def many(count: int) -> dict[str, str]:
    return {f"chapter {n}.md": f"# Chapter {n}\n\nThis tells of matter number {n}.\n" for n in range(count)}


def kept(folder: Path) -> int:
    db = sqlite3.connect(folder / NAME)
    try:
        return int(db.execute("SELECT count(*) FROM vector").fetchone()[0])
    finally:
        db.close()


def note(found: Any) -> str:
    return str(found.note)


def test_passages_are_embedded_once_with_their_headings_and_kept_for_the_next_process(tmp_path: Path) -> None:
    first, second = Words(), Words()
    for embeddings in (first, second):
        texts = References.from_texts(TEXTS, index=tmp_path, embeddings=embeddings)
        assert texts.search("warranty lamp")[0].source == "guide.md"
        assert texts.search("读者证有效期")[0].source == "图书馆.md"
        texts.search("warranty lamp")
    assert sorted(first.documents) == sorted(set(first.documents))
    assert any(text.startswith("Warranty\n") for text in first.documents)
    assert second.documents == []
    assert second.queries == ["warranty lamp", "读者证有效期"]


def test_only_what_is_new_is_embedded_when_a_text_changes(tmp_path: Path) -> None:
    References.from_texts(TEXTS, index=tmp_path, embeddings=Words()).embed()
    after = Words()
    grown = TEXTS | {"guide.md": TEXTS["guide.md"] + "\n# Shipping\n\nShipping takes two days.\n"}
    References.from_texts(grown, index=tmp_path, embeddings=after).embed()
    assert [text.partition("\n")[0] for text in after.documents] == ["Shipping"]


def test_another_model_embeds_for_itself_and_leaves_the_first_ones_vectors(tmp_path: Path) -> None:
    References.from_texts(TEXTS, index=tmp_path, embeddings=Words("one")).embed()
    before = kept(tmp_path)
    other = Words("two", size=32)
    References.from_texts(TEXTS, index=tmp_path, embeddings=other).embed()
    assert len(other.documents) == before
    again = Words("one")
    References.from_texts(TEXTS, index=tmp_path, embeddings=again).embed()
    assert again.documents == []
    assert kept(tmp_path) == 2 * before


def test_a_model_that_changed_under_its_name_is_asked_anew(tmp_path: Path) -> None:
    References.from_texts(TEXTS, index=tmp_path, embeddings=Words("one", 64)).embed()
    grown = TEXTS | {"new.md": "# New\n\nSomething new."}
    for texts in (grown, TEXTS):
        changed = Words("one", 32 if texts is grown else 16)
        references = References.from_texts(texts, index=tmp_path, embeddings=changed)
        found = references.search("warranty lamp")
        assert (note(found), found[0].source) == ("", "guide.md")
        assert len(set(changed.documents)) == len(texts) * 2 - (texts is grown)


@pytest.mark.parametrize("damage", [b"garbage" * 500, b""])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    References.from_texts(TEXTS, index=tmp_path, embeddings=Words()).embed()
    (tmp_path / NAME).write_bytes(damage)
    embeddings = Words()
    assert References.from_texts(TEXTS, index=tmp_path, embeddings=embeddings).search("warranty")
    assert embeddings.documents
    assert kept(tmp_path) == len(embeddings.documents)


def test_a_folder_that_cannot_be_written_costs_only_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    texts = References.from_texts(TEXTS, index=tmp_path / "file" / "below", embeddings=Words())
    assert texts.search("warranty lamp")[0].source == "guide.md"


def test_an_embeddings_without_a_name_is_kept_in_memory_alone(tmp_path: Path) -> None:
    for size in (8, 16):
        texts = References.from_texts(TEXTS, index=tmp_path, embeddings=DeterministicFakeEmbedding(size=size))
        assert len(texts.search("warranty lamp", k=3)) == 3
    assert not (tmp_path / NAME).exists()


def test_a_search_by_meaning_finds_what_shares_no_term_and_stays_a_slice_of_its_source() -> None:
    class Meant(Words):
        def embed_query(self, text: str) -> list[float]:
            return super().embed_query("Parking Parking is free on Sundays." if text == "停车" else text)

    texts = References.from_texts(TEXTS, embeddings=Meant())
    assert References.from_texts(TEXTS).search("停车") == []
    best = texts.search("停车")[0]
    assert "Parking is free" in best.text
    assert texts.text(best.source)[best.start : best.end] == best.text
    assert (best.coverage, best.score) == (0.0, 1.0)
    assert texts.search("") == []


def test_what_is_not_embedding_is_refused_when_it_is_given() -> None:
    for wrong in (42, object(), {"model": "x"}):
        with pytest.raises(ConfigurationError, match="does not embed"):
            References.from_texts(TEXTS, embeddings=wrong)


class Failing(Words):
    def __init__(self, after: int, error: Exception) -> None:
        super().__init__()
        self.after, self.error = after, error

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if len(self.documents) >= self.after:
            raise self.error
        return super().embed_documents(texts)


def test_a_provider_that_fails_half_way_costs_only_the_other_half(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="half"):
        References.from_texts(many(200), index=tmp_path, embeddings=Failing(100, RuntimeError("half"))).embed()
    done = kept(tmp_path)
    assert 100 <= done < 200
    rest = Failing(1000, RuntimeError())
    References.from_texts(many(200), index=tmp_path, embeddings=rest).embed()
    assert len(rest.documents) == 200 - done


@pytest.mark.parametrize("provider", ["openai", "dashscope", "ollama"])
def test_a_server_that_fails_half_way_is_asked_for_the_rest_alone(provider: Any, tmp_path: Path) -> None:
    with Standin() as server:

        def references() -> References:
            model = connect_embeddings(
                f"{provider}:m", base_url=server.url(provider), api_key="test", retries=0
            )
            return References.from_texts(many(150), index=tmp_path, embeddings=model)

        server.fault(500, when=lambda a: any("number 100." in m["content"] for m in a.messages), times=1)
        with pytest.raises(Overloaded):
            references().embed()
        done = kept(tmp_path)
        assert 0 < done < 150
        before = len(server.requests)
        references().embed()
        assert sum(len(a.messages) for a in server.requests[before:]) == 150 - done
        whole = len(server.requests)
        references().embed()
        assert len(server.requests) == whole


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_process_that_is_killed_while_it_embeds_goes_on_where_it_stopped(tmp_path: Path) -> None:
    reached, release = threading.Event(), threading.Event()
    code = textwrap.dedent("""
        import sys
        from agentsdk import References
        from agentsdk.embeddings import connect_embeddings
        from tests.references.test_meaning import many
        model = connect_embeddings("dashscope:m", base_url=sys.argv[1], api_key="test")
        References.from_texts(many(150), index=sys.argv[2], embeddings=model).embed()
    """)
    with Standin() as server:

        def hold(asked: Any) -> None:
            if len(server.requests) > 6:
                reached.set()
                release.wait(60)

        server.answer(hold, when=lambda a: a.protocol == "embeddings" and not release.is_set())
        arguments = [sys.executable, "-c", code, server.url("dashscope"), str(tmp_path)]
        child = subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        try:
            assert reached.wait(60)
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
            release.set()
        done = kept(tmp_path)
        assert 40 <= done < 150
        before = len(server.requests)
        model = connect_embeddings("dashscope:m", base_url=server.url("dashscope"), api_key="test")
        texts = References.from_texts(many(150), index=tmp_path, embeddings=model)
        texts.embed()
        assert sum(len(a.messages) for a in server.requests[before:]) == 150 - done
        assert "number 77." in texts.search("matter number 77")[0].text


def test_two_processes_share_the_file(tmp_path: Path) -> None:
    one, two = VectorFile(tmp_path), VectorFile(tmp_path)
    key, data = key_of("m", None, "text"), pack([3.0, 4.0])
    one.put({key: data})
    two.put({key: data})
    assert two.get([key, b"x"]) == [data, None]
    assert two.missing([key, b"x", b"x"]) == [b"x"]
    one.close()
    two.close()


def test_where_the_question_cannot_be_embedded_words_decide_and_the_answer_says_so() -> None:
    class Deaf(Words):
        def embed_query(self, text: str) -> list[float]:
            raise RuntimeError("no ears")

    texts = References.from_texts(TEXTS, embeddings=Deaf())
    found = texts.search("warranty lamp")
    assert found[0].source == "guide.md"
    assert "no ears" in note(found)
    model = ScriptedModel([call("look_up", query="warranty lamp"), 'It is [p1: "warranty of five years"].'])
    answer = Agent(model, references=texts).run("How long is the warranty?")
    assert answer.citations[0].source == "guide.md"
    assert [f.kind for f in answer.findings] == ["tool"]
    assert "words alone" in answer.findings[0].text


@pytest.mark.parametrize("wrong", [[math.nan] * 64, [0.0] * 64, [1.0] * 3, [], "text", None])
def test_vectors_that_are_none_never_cost_the_answer(wrong: Any) -> None:
    class Wrong(Words):
        def embed_query(self, text: str) -> Any:
            return wrong

    found = References.from_texts(TEXTS, embeddings=Wrong()).search("warranty lamp")
    assert found[0].source == "guide.md"
    assert "words alone" in note(found)


def test_documents_of_different_lengths_are_a_bad_response() -> None:
    class Uneven(Words):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [vector_of(text, 8 + at) for at, text in enumerate(texts)]

    texts = References.from_texts(TEXTS, embeddings=Uneven())
    with pytest.raises(BadResponse):
        texts.embed()
    assert texts.search("warranty lamp")[0].source == "guide.md"


def test_a_server_that_is_down_is_left_alone_for_a_while() -> None:
    with Standin() as server:
        server.fault(500, when=lambda _asked: True)
        model = connect_embeddings("ollama:m", base_url=server.url("ollama"), retries=0)
        texts = References.from_texts(TEXTS, embeddings=model)
        assert note(texts.search("warranty"))
        asked = len(server.requests)
        assert note(texts.search("parking"))
        assert len(server.requests) == asked


def test_documents_are_put_into_a_store_once_and_known_again_with_their_place() -> None:
    embeddings = Words()
    store = InMemoryVectorStore(embeddings)
    store.add_texts(["Parking of somebody else, which is no source of ours."])
    for _time in range(2):
        texts = References.from_texts(TEXTS, embeddings=store)
        found = texts.search("Where is parking free?")
        assert "Parking is free" in found[0].text
        assert {p.source for p in found} <= set(TEXTS)
    assert len(store.store) == 5
    assert len(embeddings.documents) == 5
    for each in store.store.values():
        if each["metadata"]:
            place = each["metadata"]
            assert texts.text(place["source"])[place["start"] : place["end"]] in each["text"]


def test_a_store_that_fails_leaves_the_words() -> None:
    class Broken(InMemoryVectorStore):
        def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> Any:
            raise ConnectionError("store is away")

    found = References.from_texts(TEXTS, embeddings=Broken(Words())).search("warranty lamp")
    assert found[0].source == "guide.md"
    assert "store is away" in note(found)


def test_many_threads_search_while_the_texts_are_embedded_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    embeddings = Words()
    texts = References.from_texts(many(100), embeddings=embeddings)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: texts.search(f"matter number {n}", 1)[0].source, range(24)))
    assert found == [f"chapter {n}.md" for n in range(24)]
    assert len(embeddings.documents) == 100


async def _asearch(texts: References) -> list[Any]:
    return await texts.asearch("warranty lamp", 1)


def test_it_can_be_searched_from_an_event_loop() -> None:
    import asyncio

    assert asyncio.run(_asearch(References.from_texts(TEXTS, embeddings=Words())))[0].source == "guide.md"


rankings = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=20), min_size=1, max_size=4)


@given(rankings, st.integers(0, 30))
def test_what_is_first_in_all_rankings_is_first(lists: list[list[int]], first: int) -> None:
    led = [[first, *(n for n in one if n != first)] for one in lists]
    fused = fuse(led)
    assert fused[0][0] == first
    assert fused[0][1] == pytest.approx(len(led) / (K + 1))
    assert [score for _item, score in fused] == sorted((s for _i, s in fused), reverse=True)


@given(rankings)
def test_a_fused_ranking_holds_each_item_once_and_does_not_depend_on_the_order_of_rankings(
    lists: list[list[int]],
) -> None:
    fused = [item for item, _score in fuse(lists)]
    assert sorted(fused) == sorted({n for one in lists for n in one})
    assert fused == [item for item, _score in fuse(lists[::-1])]
    if len(lists) == 1:
        assert fused == lists[0]


numbers = st.lists(st.floats(-1e3, 1e3, width=32), min_size=4, max_size=4).filter(any)


@given(st.lists(numbers, min_size=1, max_size=30), numbers, st.integers(1, 10))
def test_the_nearest_are_the_same_with_and_without_numpy_and_in_blocks_of_any_size(
    all_: list[list[float]], query: list[float], k: int
) -> None:
    packed, asked = [pack(v) for v in all_], pack(query)
    quick, plain = by_numpy(asked, b"".join(packed)), list(plainly(asked, b"".join(packed)))
    assert quick == pytest.approx(plain, abs=1e-5)
    whole = nearest(asked, [b"".join(packed)], k)
    scores = [plain[place] for place in whole]
    assert scores == pytest.approx(sorted(plain, reverse=True)[:k], abs=1e-5)
    assert len(nearest(asked, packed, k)) == len(whole) == min(k, len(all_))


def test_without_numpy_the_search_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = References.from_texts(TEXTS, embeddings=Words()).search("free parking on Sundays")
    monkeypatch.setattr(vectors, "_numpy", lambda: None)
    assert References.from_texts(TEXTS, embeddings=Words()).search("free parking on Sundays") == found


@given(numbers)
def test_a_packed_vector_is_one_unit_long(vector: list[float]) -> None:
    assert math.sqrt(sum(plainly(pack(vector), pack(vector)))) == pytest.approx(1, abs=1e-5)


def test_more_vectors_than_may_be_held_are_read_for_each_search(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("agentsdk.references.meaning.IN_MEMORY", 0)
    texts = References.from_texts(many(600), index=tmp_path, embeddings=Words())
    for number in (3, 599):
        assert f"number {number}." in texts.search(f"matter number {number}", 1)[0].text


def test_the_command_line_searches_by_meaning(tmp_path: Path) -> None:
    file = tmp_path / "guide.md"
    file.write_text(TEXTS["guide.md"], encoding="utf-8")
    with Standin() as server:
        env = {**os.environ, "OLLAMA_HOST": server.url("ollama"), "AGENTSDK_CACHE": str(tmp_path / "cache")}
        command = [
            sys.executable,
            "-m",
            "agentsdk",
            "ask",
            "How long is the warranty?",
            "--model",
            "offline:extract",
        ]
        ran = subprocess.run(
            [*command, "--ref", str(file), "--embeddings", "ollama:m"], env=env, capture_output=True, text=True, check=False
        )  # fmt: skip
        assert (ran.returncode, "five years" in ran.stdout) == (0, True), ran.stderr
        assert {a.path for a in server.requests} == {"/api/embed"}
        ran = subprocess.run(
            [*command, "--embeddings", "ollama:m"], env=env, capture_output=True, text=True, check=False
        )
    assert ran.returncode == 2
