"""Takes the body of an answer apart, whatever pieces it comes in: lines, and the data of server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from agentsdk.errors import AgentError
from agentsdk.i18n import _
from agentsdk.models.http import LINE


async def lines(chunks: AsyncIterator[bytes], *, blank: bool = False) -> AsyncIterator[str]:
    """Yield the lines of a body, in strict UTF-8; those without anything in them only where `blank` asks for them.

    The clients' own readers end lines at U+2028 and other characters as well, which stand in JSON as they are, and
    let bytes pass that are not UTF-8.
    """
    rest = bytearray()
    first = True
    async for chunk in chunks:
        *whole, last = chunk.split(b"\n")
        if whole:
            whole[0] = bytes(rest) + whole[0]
            rest.clear()
        rest += last
        if len(rest) > LINE:  # a client of somebody's own does not count
            raise OverflowError(_("A line is longer than {most:,} bytes.").format(most=LINE))
        for line in whole:
            text = line.decode().strip()
            if first:  # some servers begin with a byte order mark
                text, first = text.removeprefix("\ufeff"), False
            if text or blank:
                yield text
    if text := rest.decode().strip():
        yield text


async def sse_data(chunks: AsyncIterator[bytes], *, end: str | None = None) -> AsyncIterator[str]:
    """Yield the data of server-sent events; comments keep a connection open and mean nothing.

    A body that is no stream of events comes out as it is, in one piece, for the reader to find fault with. After an
    event what is none is passed over, but for an error in bare JSON; and so is the last event where its end is missing.

    Args:
        chunks: the body.
        end: the data that ends it, such as "[DONE]"; not yielded.

    """
    data: list[str] = []
    strange: list[str] = []
    begun = False
    async for line in lines(chunks, blank=True):
        if line.startswith("data:"):
            piece = line[5:].strip()
            if data and data[-1].endswith("}") and piece.startswith(("{", "[DONE]")):
                yield "\n".join(data)  # an event without the blank line that ends it
                data.clear()
                begun = True
            data.append(piece)
            strange.clear()
        elif not line and data:
            text = "\n".join(data)
            data.clear()
            begun = True
            if text == end:
                await _drain(chunks)
                return
            yield text
        elif not data and line and not line.startswith((":", "event:", "id:", "retry:")) and len(strange) < 100:
            strange.append(line)
    text = "\n".join(data)
    if text and text != end and (text.endswith("}") or not begun):
        yield text
    if strange and (strange[0].startswith("{") or not begun):
        yield "\n".join(strange)


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read what is left of a body, so that its connection can be used again; not for long."""
    try:
        async with asyncio.timeout(0.2):
            async for _chunk in chunks:
                pass
    except AgentError:  # a cassette refuses what it was given
        raise
    except Exception:  # noqa: S110  # the answer is whole, whatever becomes of the connection
        pass
