"""Takes the body of an answer apart, whatever pieces it comes in: lines, and the data of server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from agentsdk.errors import AgentError
from agentsdk.i18n import _
from agentsdk.models.http import LINE


class _Lines:
    """Cuts a body into lines of strict UTF-8, wherever its pieces end.

    The clients' own readers end lines at U+2028 and other characters as well, which stand in JSON as they are, and
    let bytes pass that are not UTF-8.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._first = True

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the lines that are whole now, without the blanks around them."""
        *whole, last = chunk.split(b"\n")
        if whole and self._rest:
            whole[0] = bytes(self._rest) + whole[0]
            self._rest.clear()
        self._rest += last
        if len(self._rest) > LINE:  # a client of somebody's own does not count
            raise OverflowError(_("A line is longer than {most:,} bytes.").format(most=LINE))
        for line in whole:
            yield self._text(line)

    def rest(self) -> str:
        """Return what stands after the last line's end."""
        return self._text(self._rest)

    def _text(self, line: bytes | bytearray) -> str:
        text = line.decode().strip()
        if self._first:  # some servers begin with a byte order mark
            text, self._first = text.removeprefix("\ufeff"), False
        return text


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the lines of a body, in strict UTF-8, but for those without anything in them."""
    body = _Lines()
    async for chunk in chunks:
        for line in body.feed(chunk):
            if line:
                yield line
    if line := body.rest():
        yield line


class _Events:
    """Puts the data of server-sent events together, line by line."""

    def __init__(self) -> None:
        self._data: list[str] = []
        self._strange: list[str] = []
        self._begun = False

    def take(self, line: str) -> str | None:
        """Take a line in, and return the data of the event that it ends."""
        ended = None
        if line.startswith("data:"):
            piece = line[5:].strip()
            if self._data and self._data[-1].endswith("}") and piece.startswith(("{", "[DONE]")):
                ended = self._event()  # without the blank line that ends it
            self._data.append(piece)
            self._strange.clear()
        elif self._data:
            ended = None if line else self._event()
        elif line and not line.startswith((":", "event:", "id:", "retry:")) and len(self._strange) < 100:
            self._strange.append(line)
        return ended

    def left(self, end: str | None) -> Iterator[str]:
        """Yield what has come and is no whole event, as far as anything can be read in it."""
        text = "\n".join(self._data)
        if text and (text.endswith("}") or text == end or not self._begun):
            yield text
        if self._strange and (self._strange[0].startswith("{") or not self._begun):
            yield "\n".join(self._strange)

    def _event(self) -> str:
        self._begun = True
        text = "\n".join(self._data)
        self._data.clear()
        return text


async def sse_data(
    chunks: AsyncIterator[bytes], *, end: str | None = None, marked: bool = False
) -> AsyncIterator[str]:
    """Yield the data of server-sent events; comments keep a connection open and mean nothing.

    A body that is no stream of events comes out as it is, in one piece, for the reader to find fault with. After an
    event what is none is passed over, but for an error in bare JSON; and so is the last event where its end is missing.

    Args:
        chunks: the body.
        end: the data that ends it, such as "[DONE]"; not yielded.
        marked: whether the end is yielded all the same.

    """
    body, events = _Lines(), _Events()
    async for chunk in chunks:
        for line in body.feed(chunk):
            text = events.take(line)
            if text is None:
                continue
            if text == end:
                if marked:
                    yield text
                await _drain(chunks)
                return
            yield text
    if (line := body.rest()) and (text := events.take(line)) is not None and (marked or text != end):
        yield text
    for text in events.left(end):
        if marked or text != end:
            yield text


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
