"""Long texts kept once: a value goes into a row with each of them replaced by its digest, and comes out checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from agentsdk.errors import StoreDamaged
from agentsdk.i18n import _

LONG = 1024
"""Characters from which on a text is kept by itself."""

WHOLE = 8192
"""Bytes of JSON from which on a value that has no long text is kept by itself as well."""

_TEXT, _PLAIN = "$text", "$plain"


def pack(value: Any) -> tuple[bytes, dict[str, bytes]]:
    """Return the bytes that stand in the row, and by digest the blobs that they name."""
    blobs: dict[str, bytes] = {}

    def keep(data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        blobs[name] = data
        return name

    def fold(value: Any) -> Any:
        if isinstance(value, str):
            return {_TEXT: keep(_bytes(value))} if len(value) >= LONG else value
        if isinstance(value, dict):
            folded = {k: fold(v) for k, v in value.items()}
            return {_PLAIN: folded} if len(value) == 1 and (_TEXT in value or _PLAIN in value) else folded
        if isinstance(value, list):
            return [fold(v) for v in value]
        return value

    data = _bytes(json.dumps(fold(value), ensure_ascii=False, separators=(",", ":")))
    if len(data) >= WHOLE:
        return b"@" + keep(data).encode(), blobs
    return data, blobs


def unpack(data: bytes, blobs: Mapping[str, bytes]) -> Any:
    """Return the value that `pack` was given; each blob is checked against its digest before it is used.

    Raises:
        StoreDamaged: a blob is missing or is not what its digest says, or the row is no JSON.

    """
    try:
        if data[:1] == b"@":
            data = _checked(data[1:].decode("ascii"), blobs)
        return _unfold(json.loads(data.decode("utf-8", "surrogatepass")), blobs)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise StoreDamaged(
            _("A row of the store is damaged."),
            why=f"{type(error).__name__}: {error}",
            fix=_("Take the file from a backup, or run the question again."),
        ) from error


def seal(*parts: object) -> str:
    """Return the check of a row: 32 hexadecimal digits over all that stands in it."""
    sum_ = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        sum_.update(len(data).to_bytes(8, "big") + data)
    return sum_.hexdigest()[:32]


def _unfold(value: Any, blobs: Mapping[str, bytes]) -> Any:
    if isinstance(value, dict):
        if len(value) == 1:
            if isinstance(value.get(_TEXT), str):
                return _checked(value[_TEXT], blobs).decode("utf-8", "surrogatepass")
            if isinstance(value.get(_PLAIN), dict):
                return {k: _unfold(v, blobs) for k, v in value[_PLAIN].items()}
        return {k: _unfold(v, blobs) for k, v in value.items()}
    if isinstance(value, list):
        return [_unfold(v, blobs) for v in value]
    return value


def _checked(name: str, blobs: Mapping[str, bytes]) -> bytes:
    data = blobs.get(name)
    if data is None or hashlib.sha256(data).hexdigest() != name:
        raise StoreDamaged(
            _("A text in the store is missing.") if data is None else _("A text in the store was changed."),
            why=_("Its digest should be {name}.").format(name=name[:16]),
            fix=_("Take the file from a backup, or run the question again."),
        )
    return data


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
