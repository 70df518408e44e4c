"""Tool calls as they come over a wire: pieces put together, then parted into those that may be run and the others."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsdk.messages import BrokenCall, Repair, ToolCall
from agentsdk.models.model import Offer
from agentsdk.models.repair.arguments import Fitted, fit_arguments
from agentsdk.models.repair.json_text import read_json, strict
from agentsdk.models.repair.names import bare_name, fold_name, history_name

WRAPPERS = ("parallel", "multi_tool_use_parallel")
"""The tool that GPT models call, though nobody offers it, to make several calls at once."""

MOST_CALLS = 128
"""Calls that one answer may hold."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The calls of an answer."""

    calls: tuple[ToolCall, ...] = ()
    broken: tuple[BrokenCall, ...] = ()
    repairs: tuple[Repair, ...] = ()


class CallPieces:
    """Puts the pieces of streamed calls together.

    What servers do wrong on the way: the id of a continuation is the empty string (DashScope, LM Studio), or
    another one each time; the name comes again with every piece (Kimi), or in pieces itself; the index is missing,
    given only once, or the same for two calls (Ollama, Qwen); the arguments so far come again with every piece.

    Args:
        names: the tools' names, where they are known: they tell a name's second half from the name of a new call.

    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)
        self._pieces: list[_Piece] = []
        self._last: _Piece | None = None
        """The one that was added to last."""
        self._beyond = 0

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add(self, index: int | None, id: str | None, name: str | None, arguments: Any) -> tuple[int, str, str]:
        """Take a piece in; return the call's place, its name if this is its first piece, and its new text."""
        last = self._last
        if last is not None and not id and not name and index in (None, last.index):
            if isinstance(arguments, str):  # this runs for every token of a call
                if arguments:
                    last.texts.append(arguments)
                return last.place, "", arguments
            piece: _Piece | None = last
        else:
            piece = self._find(index, id or "", name or "", arguments)
        if piece is None and len(self._pieces) >= MOST_CALLS:
            self._beyond += bool(name)
            piece = _Piece(MOST_CALLS, None)  # it takes what belongs to it, and is left out
        elif piece is None:
            piece = _Piece(len(self._pieces), index)
            self._pieces.append(piece)
        self._last = piece
        began = not piece.name and bool(name)
        piece.index = index if piece.index is None else piece.index
        piece.id = piece.id or id or ""
        piece.name = _joined(piece.name, name or "", self._names)
        text = ""
        if isinstance(arguments, str):
            text = arguments
            if text:
                piece.texts.append(text)
        elif arguments is not None:
            piece.whole = arguments
            text = json.dumps(arguments, ensure_ascii=False)
        return piece.place, piece.name if began else "", text

    def close(
        self, index: int, id: str | None, name: str | None, arguments: Any, fault: str
    ) -> tuple[int, str, str]:
        """Take a call in that is now whole; its arguments stand over the pieces that came, should they differ."""
        at, first_name, _text = self.add(index, id, name, None)
        piece = self._pieces[at]
        piece.fault = fault
        if not isinstance(arguments, str):
            return at, first_name, self.add(index, id, name, arguments)[2] if arguments is not None else ""
        so_far = "".join(piece.texts)
        rest = arguments[len(so_far) :] if arguments.startswith(so_far) else ""
        piece.put(arguments)
        return at, first_name, rest

    def settle(self, *, cut: str, offer: Offer | None = None) -> Settled:
        """Return the calls that may be run, those that may not, and what was mended.

        Args:
            cut: why the answer is not whole, "" where it is. In a cut answer a call is broken unless its arguments
                have ended and another call was written to after it; the last one may look whole and not be.
            offer: what was offered: a call for another name, with arguments that do not fit, or where calls were
                forbidden, is broken. None where that is not known.

        """
        taken = {piece.id for piece in self._pieces}
        settling = _Settling(offer, taken, self._beyond)
        for piece in self._pieces:
            text, again = piece.text()
            given = text if piece.whole is None else piece.whole
            fault = piece.fault
            if cut and (piece is self._last or not piece.has_ended()):
                fault = cut
            elif not piece.name and not fault:
                fault = "The call has no name."
            settling.settle(piece.id, f"call_{piece.place + 1}", piece.name, given, fault, again=again)
        return settling.done()

    def _find(self, index: int | None, id: str, name: str, arguments: Any) -> _Piece | None:
        """Return the call that a piece goes on with, None for a new one."""
        own = next((p for p in reversed(self._pieces) if id and p.id == id), None)
        if index is None:
            known = own or self._last
        else:
            at_index = [p for p in reversed(self._pieces) if p.index == index]
            known = next((p for p in at_index if id and p.id == id), at_index[0] if at_index else None)
            if known is None and own is not None and not (name and (own.has_ended() or name != own.name)):
                return own  # the index counts the pieces and not the calls
            if known is None and self._last is not None and self._last.index is None and not name:
                known = self._last
        return None if known is None or self._is_new(known, index, id, name, arguments) else known

    def _is_new(self, known: _Piece, index: int | None, id: str, name: str, arguments: Any) -> bool:
        begins = isinstance(arguments, Mapping) or (
            isinstance(arguments, str) and arguments.lstrip().startswith("{")
        )
        if id and known.id and id != known.id:
            # A new id is a new call, unless it comes in the middle of another one's arguments.
            middle = known.has_begun() and not known.has_ended() and not begins
            return not (middle and name in ("", known.name))
        if not name or not known.name:
            return False
        if name != known.name:
            return not _is_rest(known, id, name, self._names)
        if (id and id == known.id) or not (known.has_ended() and begins):
            return False
        if known.whole is not None:
            return index is None or bool(arguments != known.whole)
        text, again = known.text()
        # Without an index and an id nothing says that it is the same call, unless each piece repeats what came.
        return bool(arguments != text) or (index is None and not id and not known.id and not again)


@dataclass(slots=True, eq=False)
class _Piece:
    place: int
    index: int | None
    id: str = ""
    name: str = ""
    texts: list[str] = field(default_factory=list)
    whole: Any = None
    """The arguments, where a server gives them as an object and not as text."""
    fault: str = ""
    """Why the call may not be run, where the server says so itself."""
    _scanned: int = 0
    _open: int = 0
    _begun: bool = False
    _in_string: bool = False
    _escaped: bool = False

    def put(self, text: str) -> None:
        """Take a text for all that has come."""
        self.texts = [text]
        self._scanned = self._open = 0
        self._begun = self._in_string = self._escaped = False

    def has_begun(self) -> bool:
        return self.whole is not None or bool(self.texts)

    def has_ended(self) -> bool:
        """Return whether the arguments are an object whose last bracket has come."""
        if self.whole is not None:
            return True
        for text in self.texts[self._scanned :]:
            self._scan(text)
        self._scanned = len(self.texts)
        return self._begun and self._open <= 0 and not self._in_string

    def text(self) -> tuple[str, bool]:
        """Return the arguments' text, and whether each piece repeated what had come before."""
        joined = "".join(self.texts)
        if len(self.texts) > 1 and all(
            b.startswith(a) for a, b in zip(self.texts, self.texts[1:], strict=False)
        ):
            for text, again in ((joined, False), (self.texts[-1], True)):
                with contextlib.suppress(ValueError):
                    strict(text)
                    return text, again
        return joined, False

    def _scan(self, text: str) -> None:
        start = 1 if self._escaped else 0
        self._escaped = False
        for token in re.compile(r'\\.?|["{}\[\]]', re.DOTALL).finditer(text, start):
            mark = token[0]
            if self._in_string:
                self._escaped = mark == "\\"
                self._in_string = mark != '"'
            elif mark == '"':
                self._in_string = True
            elif mark in "{[":
                self._open += 1
                self._begun = True
            elif mark in "}]":
                self._open -= 1


def _is_rest(known: _Piece, id: str, name: str, names: frozenset[str]) -> bool:
    """Return whether a name that differs from the one so far is its rest, and not that of a new call."""
    joined = known.name + name
    if known.has_begun():
        return False
    if name.startswith(known.name) and known.name not in names and names:
        return True  # the whole name so far, again
    if any(n.startswith(joined) for n in names):
        return True
    return bool(known.id) and id in ("", known.id) and known.name not in names and name not in names


def _joined(so_far: str, name: str, names: frozenset[str]) -> str:
    if not name or name == so_far:
        return so_far
    if so_far and name.startswith(so_far) and so_far not in names and so_far + name not in names:
        return name
    return so_far + name


class _Settling:
    """Checks the calls of one answer, and gives each an id of its own."""

    def __init__(self, offer: Offer | None, taken: set[str], beyond: int) -> None:
        self._offer = offer
        self._given = taken - {""}
        self._used: set[str] = set()
        self._seen = beyond
        self._calls: list[ToolCall] = []
        self._broken: list[BrokenCall] = []
        self._repairs: list[Repair] = []

    def done(self) -> Settled:
        """Return what was settled."""
        if self._seen > MOST_CALLS:
            detail = f"{self._seen} calls came, and {MOST_CALLS} of them are kept"
            self._repairs.append(Repair("call.too_many", detail))
        return Settled(tuple(self._calls), tuple(self._broken), tuple(self._repairs))

    def settle(
        self,
        id: str,
        made: str,
        name: str,
        given: Any,
        fault: str = "",
        *,
        again: bool = False,
        inner: bool = False,
    ) -> None:
        """Take a call in: by its id, or the one made from its place, a replay makes the same."""
        self._seen += 1
        if len(self._calls) + len(self._broken) >= MOST_CALLS:
            return
        if not fault and not inner and self._is_wrapper(name):
            uses = _uses(given)
            if isinstance(uses, str):
                fault = uses
            else:
                self._repairs.append(Repair("call.expanded", f"{name} became {len(uses)} calls"))
                for at, (tool, arguments) in enumerate(uses):
                    self.settle("", f"{id or made}_{at + 1}", tool, arguments, inner=True)
                return
        own = self._own_id(id, made)
        tool, repairs = name, list[Repair]()
        try:
            if fault:
                raise ValueError(fault)
            tool, repairs = self._tool(name, given)
            fitted = self._fitted(given, tool)
        except ValueError as error:
            raw = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
            shown = tool if self._offer is not None and tool in self._offer.tools else history_name(tool)
            self._broken.append(BrokenCall(own, shown, raw, str(error)))
            return
        self._calls.append(ToolCall(own, tool, fitted.arguments))
        repairs += fitted.repairs
        if id and own != id:
            repairs.append(Repair("call.id", f"a second call with the id {id[:100]} became {own}"))
        if again:
            repairs.append(Repair("call.merged", "each piece repeated what had come before"))
        self._repairs += [Repair(r.kind, f"{tool}: {r.detail}") for r in repairs]

    def _tool(self, name: str, given: Any) -> tuple[str, list[Repair]]:
        """Return the tool that is meant."""
        offer = self._offer
        if offer is None:
            return name, []
        if offer.choice == "none":
            raise ValueError("No tool may be called now.")

        def fits(tool: str) -> bool:
            try:
                self._fitted(given, tool)
            except ValueError:
                return False
            return True

        folded: Repair | None = None
        if name in offer.sent:
            tool = offer.sent[name]
        else:
            tool, folded = fold_name(name, offer.tools, fits)
        if offer.choice in offer.tools and tool != offer.choice:
            raise ValueError(f"Only {offer.choice} may be called now.")
        return tool, [folded] if folded else []

    def _fitted(self, given: Any, tool: str) -> Fitted:
        if self._offer is None:
            return fit_arguments(given, None, tool)
        return fit_arguments(given, self._offer.tools[tool], tool, nulls=self._offer.nulls)

    def _is_wrapper(self, name: str) -> bool:
        offer = self._offer
        if offer is not None and (name in offer.tools or offer.choice == "none"):
            return False
        return bare_name(name) in WRAPPERS

    def _own_id(self, id: str, made: str) -> str:
        own = id or made
        at = 1
        while own in self._used or (not id and own in self._given):
            at += 1
            own = f"{id or made}_{at}"
        self._used.add(own)
        return own


def _uses(given: Any) -> list[tuple[str, Any]] | str:
    """Return the calls within a wrapper's arguments as (name, arguments), or what is wrong with them."""
    try:
        uses = fit_arguments(given, None).arguments.get("tool_uses")
        if isinstance(uses, str):
            uses, _forgiven = read_json(uses)
    except ValueError as error:
        return str(error)
    if not isinstance(uses, list) or not uses or not all(isinstance(use, Mapping) for use in uses):
        return "There is no such tool; make each call by itself."
    found = []
    for use in uses:
        name = next(
            (use[k] for k in ("recipient_name", "name", "tool_name") if isinstance(use.get(k), str)), ""
        )
        found.append((name, next((use[k] for k in ("parameters", "arguments", "args") if k in use), None)))
    return found
