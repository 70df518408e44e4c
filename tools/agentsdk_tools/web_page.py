"""web_page: reads a public web page as text, with its title and date."""

from __future__ import annotations

import tempfile
from pathlib import Path

from agentsdk import tool
from agentsdk.errors import ToolError
from agentsdk.evidence import Passage
from agentsdk.fetch import Fetcher
from agentsdk.i18n import _
from agentsdk.references.load import decode, load

LONGEST = 30_000
"""Characters of a page that a model is shown; a longer page says that it was cut."""


@tool(timeout=30)
async def web_page(url: str) -> Passage:
    """Return the text of a public web page, with its title and date, so that it can be quoted.

    Args:
        url: the full address, such as "https://example.com/page".

    """
    return await read_page(url, Fetcher())


async def read_page(url: str, fetcher: Fetcher) -> Passage:
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
    heading = ""
    if page.media_type in ("text/html", "application/xhtml+xml", ""):
        text, heading = _html(page.body, page.url)
    elif page.media_type == "application/pdf":
        text = _pdf(page.body, page.url)
    elif page.media_type.startswith("text/") or page.media_type.endswith(("json", "xml")):
        text, _encoding = decode(page.body, page.url)
    else:
        raise ToolError(
            _("{url} is {kind}, which is not read.").format(url=page.url, kind=page.media_type),
            fix=_("HTML, plain text, JSON and PDF are."),
        )
    if not text.strip():
        raise ToolError(_("{url} holds no text.").format(url=page.url))
    if len(text) > LONGEST:
        heading = " > ".join(filter(None, [heading, _("(the first {count} characters)").format(count=LONGEST)]))
    return Passage(text[:LONGEST], page.url, heading=heading)


def _html(body: bytes, url: str) -> tuple[str, str]:
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
