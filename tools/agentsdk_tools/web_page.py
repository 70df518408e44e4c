"""web_page: reads a public web page as text, with its title and date."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from agentsdk import tool
from agentsdk.errors import ReferencesError, ToolError
from agentsdk.evidence import Passage
from agentsdk.fetch import Fetcher, Page
from agentsdk.i18n import _
from agentsdk.references.load import decode, load

LONGEST = 30_000
"""Characters of a page that one call shows; a longer page says where to go on."""


@tool(timeout=30)
async def web_page(url: str, start: int = 0) -> Passage:
    """Return the text of a public web page, with its title and date, so that it can be quoted.

    Args:
        url: the full address, such as "https://example.com/page".
        start: the character to begin at; where a part of a long page ended.

    """
    return await read_page(url, Fetcher(), start)


async def read_page(url: str, fetcher: Fetcher, start: int = 0) -> Passage:
    """Return a page as a passage: its text, its address as source, its title and date as heading.

    Raises:
        ToolError: the page cannot be fetched, is not there, or is no text.
        MissingExtra: HTML needs `agentsdk[docs]`.

    """
    page = await fetcher.fetch(url)
    if page.status >= 400:
        raise ToolError(
            _("{url} answered {status}.").format(url=page.url, status=page.status),
            why=_("The page is not there, or may not be read.")
            if page.status < 500
            else _("The server has a fault."),
        )
    try:
        # Reading HTML and PDF takes the processor, and must not hold up what else the loop does.
        text, heading = await asyncio.to_thread(_read, page)
    except ReferencesError as error:
        raise ToolError(error.what, why=error.why, fix=error.fix) from error
    if not text.strip():
        raise ToolError(
            _("{url} holds no text.").format(url=page.url),
            why=_("It may be drawn by a script, or be a picture."),
        )
    begin = max(0, start)
    if begin >= len(text):
        raise ToolError(_("{url} has {count} characters.").format(url=page.url, count=len(text)))
    shown = text[begin : begin + LONGEST]
    if rest := len(text) - begin - len(shown):
        more = _("{rest} more characters, from start={next}").format(rest=rest, next=begin + len(shown))
        heading = " > ".join(filter(None, [heading, more]))
    return Passage(shown, page.url, begin, text.count("\n", 0, begin) + 1, heading=heading)


def _read(page: Page) -> tuple[str, str]:
    """Return a page's text, and its title and date where it has them."""
    kind = page.media_type
    if kind == "application/pdf" or page.body.startswith(b"%PDF-"):
        return _pdf(page.body, page.url), ""
    if kind in ("text/html", "application/xhtml+xml", ""):
        return _html(_decoded(page) or page.body, page.url)
    if kind.startswith("text/") or kind.endswith(("json", "xml")):
        return _decoded(page) or decode(page.body, page.url)[0], ""
    raise ToolError(
        _("{url} is {kind}, which is not read.").format(url=page.url, kind=kind),
        fix=_("HTML, plain text, JSON and PDF are."),
    )


def _decoded(page: Page) -> str | None:
    """Return the text in the encoding that the server names, or None where it names none, or a wrong one."""
    try:
        return page.body.decode(page.charset) if page.charset else None
    except (LookupError, ValueError):
        return None


def _html(body: bytes | str, url: str) -> tuple[str, str]:
    try:
        import trafilatura
    except ImportError as error:
        from agentsdk.errors import MissingExtra

        raise MissingExtra(
            _("{path} needs a package that is not installed.").format(path=url),
            why=_("HTML and Office files are read by the docs extra."),
            fix='pip install "agentsdk[docs]"',
        ) from error
    text = trafilatura.extract(body, url=url, output_format="markdown", include_tables=True, favor_recall=True)
    known = trafilatura.extract_metadata(body, default_url=url)
    title = (known.title or "") if known else ""
    date = (known.date or "") if known else ""
    return text or trafilatura.html2txt(body) or "", " > ".join(filter(None, [title, date]))


def _pdf(body: bytes, url: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "page.pdf")
        file.write_bytes(body)
        return load(file, name=url).text
