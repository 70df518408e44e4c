"""Retrieval on questions of our own: recall@5 in both languages, and time over 10,000 passages.

The questions are those of the embedded model that have an answer, over the texts of tests and examples, searched together; a hit
is a passage among the first five that holds the words of the answer.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

from agentsdk.references.load import Source, load
from agentsdk.references.rank import Index
from agentsdk.references.words import has_words

ROOT = Path(__file__).parents[2]
QUESTIONS = ROOT / "tests" / "models" / "offline" / "questions"
MANY = 10_000


def main() -> None:
    """Print the figures."""
    rows = [
        json.loads(x)
        for f in sorted(QUESTIONS.glob("*.jsonl"))
        for x in f.read_text(encoding="utf-8").splitlines()
    ]
    rows = [row for row in rows if row["answer"]]
    sources = [load(ROOT / name, name=name) for name in sorted({row["text"] for row in rows})]
    for words in (False, True) if has_words() else (False,):
        index = Index(sources, None, words=words)
        hits: dict[str, list[bool]] = {"zh": [], "en": []}
        for row in rows:
            language = "zh" if any("\u4e00" <= c <= "\u9fff" for c in row["question"]) else "en"
            found = index.search(row["question"], 5)
            hits[language].append(any(row["answer"] in p.text and p.source == row["text"] for p in found))
        shown = ", ".join(f"{k} {sum(v) / len(v):.2f} of {len(v)}" for k, v in hits.items())
        print(f"recall@5 {'with' if words else 'without'} the zh extra: {shown}")
    _speed(sources, [row["question"] for row in rows])


def _speed(sources: list[Source], questions: list[str]) -> None:
    """Print build time, file size and query time over MANY passages, made of the texts by renaming their words."""
    many: list[Source] = []
    count = 0
    per_round = Index(sources, None, words=False).size
    for at in range(MANY // per_round + 1):
        for source in sources:
            # Another number in each line, so that no two copies are the same passage.
            text = "\n".join(
                f"{line} n{at}x{i}" if line.strip() and "|" not in line else line
                for i, line in enumerate(source.text.splitlines())
            )
            many.append(Source(f"{at}/{source.name}", text, source.kind))
        count += per_round
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        index = Index(many, Path(folder), words=False)
        built = time.perf_counter() - began
        size = sum(f.stat().st_size for f in Path(folder).glob("*.sqlite"))
        began = time.perf_counter()
        Index(many, Path(folder), words=False).search("x", 1)
        opened = time.perf_counter() - began
        times = []
        for question in questions * 2:
            began = time.perf_counter()
            index.search(question, 6)
            times.append(time.perf_counter() - began)
    p95 = statistics.quantiles(times, n=20)[-1]
    print(
        f"{index.size:,} passages: built in {built:.2f} s ({size / 1e6:.1f} MB), opened again in {opened:.2f} s, "
        f"query median {statistics.median(times) * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms"
    )


if __name__ == "__main__":
    main()
