"""Tool calls as they come over a wire: pieces put together, and arguments read strictly or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsdk.messages import BrokenCall, ToolCall
from agentsdk.models.model import Offer

DEEPEST = 100
"""Levels of nesting that arguments may have; Python's own reader would end in a RecursionError."""


@dataclass(slots=True)
class _Piece:
    index: int
    id: str = ""
    name: str = ""
    raw: list[str] = field(default_factory=list)
    whole: Any = None
    """The arguments, where a server gives them as an object and not as text."""
    fault: str = ""
    """Why the call may not be run, where the server says so itself."""


class CallPieces:
    """Puts the pieces of streamed calls together.

    What servers do wrong on the way, all of it recorded: the id of a continuation is the empty string
    (DashScope, LM Studio); the name comes again with every piece (Kimi); the index is missing, or the same for
    two calls that have ids of their own (Ollama, Qwen).
    """

    def __init__(self) -> None:
        self._pieces: list[_Piece] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, index: int | None, id: str | None, name: str | None, arguments: Any) -> tuple[int, str, str]:
        """Take a piece in; return the call's place, its name if this is its first piece, and its new text."""
        piece = self._find(index, id or "", name or "")
        began = not piece.name and bool(name)
        piece.id = piece.id or (id or "")
        piece.name = piece.name or (name or "")
        text = ""
        if isinstance(arguments, str):
            text = arguments
            piece.raw.append(text)
        elif arguments is not None:
            piece.whole = arguments
            text = json.dumps(arguments, ensure_ascii=False)
        return self._pieces.index(piece), piece.name if began else "", text

    def close(
        self, index: int, id: str | None, name: str | None, arguments: Any, fault: str
    ) -> tuple[int, str, str]:
        """Take a call in that is now whole; its arguments stand over the pieces that came, should they differ."""
        at, first_name, _text = self.add(index, id, name, None)
        piece = self._pieces[at]
        piece.fault = fault
        if not isinstance(arguments, str):
            return at, first_name, self.add(index, id, name, arguments)[2] if arguments is not None else ""
        so_far = "".join(piece.raw)
        rest = arguments[len(so_far) :] if arguments.startswith(so_far) else ""
        piece.raw = [arguments]
        return at, first_name, rest

    def settle(
        self, *, cut: str, offer: Offer | None = None
    ) -> tuple[tuple[ToolCall, ...], tuple[BrokenCall, ...]]:
        """Return the calls that may be run, and those that may not.

        Args:
            cut: why the answer is not whole, "" where it is. In a cut answer a call is broken unless another one
                follows it; the last one may look whole and not be.
            offer: what was offered: a call for another name, or one where calls were forbidden, is broken. None
                where that is not known.

        """
        good: list[ToolCall] = []
        broken: list[BrokenCall] = []
        for at, piece in enumerate(self._pieces):
            id_ = piece.id or f"call_{at + 1}"  # made from its place: a replay makes the same
            raw = "".join(piece.raw)
            given = raw if piece.whole is None else piece.whole
            try:
                if cut and at == len(self._pieces) - 1:
                    raise ValueError(cut)
                if piece.fault:
                    raise ValueError(piece.fault)
                if not piece.name:
                    raise ValueError("The call has no name.")
                if offer is not None:
                    _check_offered(piece.name, offer)
                good.append(ToolCall(id_, piece.name, read_arguments(given)))
            except ValueError as error:
                broken.append(BrokenCall(id_, piece.name, raw or json.dumps(given), str(error)))
        return tuple(good), tuple(broken)

    def _find(self, index: int | None, id: str, name: str) -> _Piece:
        last = self._pieces[-1] if self._pieces else None
        known = None
        if id:
            known = next((p for p in self._pieces if p.id == id), None)
        if known is None and index is not None:
            known = next((p for p in reversed(self._pieces) if p.index == index), None)
        if known is None and index is None and not id and last is not None and not (name and last.name):
            known = last
        # A new id at a known index is a new call; so is a name where the call has another one already.
        if known is not None and (
            (id and known.id and known.id != id) or (name and known.name and known.name != name)
        ):
            known = None
        if known is None:
            known = _Piece(len(self._pieces) if index is None else index)
            self._pieces.append(known)
        return known


def _check_offered(name: str, offer: Offer) -> None:
    if offer.choice == "none":
        raise ValueError("No tool may be called now.")
    if name not in offer.tools:
        names = ", ".join(offer.tools) or "-"
        raise ValueError(f"There is no tool called {name}. The tools are: {names}.")


def read_arguments(given: Any) -> Mapping[str, Any]:
    """Return a call's arguments: an object, or nothing at all for a call without any.

    Raises:
        ValueError: they are not JSON, not an object, or nested too deep; the text says which.

    """
    if isinstance(given, str):
        text = given.strip()
        if text in ("", "null"):
            return {}
        if text.count("[") + text.count("{") > DEEPEST * 100:
            raise ValueError("The arguments are nested too deep.")
        try:
            given = json.loads(text, parse_constant=_refuse)
        except RecursionError:
            raise ValueError("The arguments are nested too deep.") from None
        except ValueError as error:
            raise ValueError(f"The arguments are not JSON: {error}") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ValueError(f"The arguments are not an object but {type(given).__name__}.")
    if _depth(given) > DEEPEST:
        raise ValueError("The arguments are nested too deep.")
    return given


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    level, layer = 0, [value]
    while layer and level <= DEEPEST:
        level += 1
        layer = [
            v
            for item in layer
            for v in (item.values() if isinstance(item, dict) else item)
            if isinstance(v, (dict, list))
        ]
    return level
