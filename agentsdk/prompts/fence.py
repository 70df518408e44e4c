"""Puts untrusted text between marks that it cannot close, and reads such text back.

The tag's name carries a nonce, and any text that holds the nonce is broken up, so no text can write its own
closing mark. The nonce is a digest of everything that goes inside: the same run gives the same request, byte
for byte, which is what lets a recording be found again, and nobody can write a text that holds its own digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from html import escape, unescape

from agentsdk.evidence import Passage

_NONCE = re.compile(r"<passages-([0-9a-f]{10})>")


def nonce(texts: Iterable[str]) -> str:
    """Return 10 hexadecimal digits that depend on every one of `texts`."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:10]


def fence(kind: str, text: str, mark: str, **attributes: object) -> str:
    """Return `text` between `<kind-mark ...>` and `</kind-mark>`; attributes that are None are left out.

    Where the text or an attribute holds the mark itself, a zero-width space is put into it.
    """
    shown = "".join(f' {k}="{escape(str(v))}"' for k, v in attributes.items() if v is not None)
    return f"<{kind}-{mark}{_broken_up(shown, mark)}>\n{_broken_up(text, mark)}\n</{kind}-{mark}>"


def _broken_up(text: str, mark: str) -> str:
    """Return `text` with a zero-width space in every mark that it holds, in capitals too: models read both alike."""
    written = re.compile(f"({re.escape(mark[:5])})({re.escape(mark[5:])})", re.IGNORECASE)
    # Again until none is left: in "abcdeabcdeabcde" the mark "abcdeabcde" stands twice, and one hides the other.
    while written.search(text):
        text = written.sub("\\1\u200b\\2", text)
    return text


def fence_word(kind: str, text: str, mark: str) -> str:
    """Return `text` between marks within one line, as a value stands in a sentence."""
    return f"<{kind}-{mark}>{_broken_up(text, mark)}</{kind}-{mark}>"


def fence_passages(passages: Sequence[tuple[str, Passage]]) -> str:
    """Return numbered passages as a prompt shows them: `(id, passage)` in the order given."""
    mark = nonce(text for id_, p in passages for text in (id_, p.source, p.heading, p.text))
    inner = "\n".join(
        fence(
            "passage",
            p.text,
            mark,
            id=id_,
            source=p.source,
            line=p.line,
            page=p.page,
            heading=p.heading or None,
            match=f"{p.coverage:.2f}",
        )
        for id_, p in passages
    )
    return f"<passages-{mark}>\n{inner}\n</passages-{mark}>"


def unfence_passages(text: str) -> list[tuple[str, Passage]]:
    """Return the passages that `fence_passages` put into `text`; offsets are not part of a prompt and are 0."""
    found = []
    for mark in _NONCE.findall(text):
        pattern = re.compile(rf"<passage-{mark}((?: [a-z]+=\"[^\"]*\")*)>\n(.*?)\n</passage-{mark}>", re.DOTALL)
        for shown, body in pattern.findall(text):
            attributes = {k: unescape(v) for k, v in re.findall(r' ([a-z]+)="([^"]*)"', shown)}
            page = attributes.get("page")
            passage = Passage(
                body,
                attributes.get("source", ""),
                line=int(attributes.get("line", 1)),
                page=int(page) if page else None,
                heading=attributes.get("heading", ""),
                coverage=float(attributes.get("match", 0)),
            )
            found.append((attributes.get("id", ""), passage))
    return found
