"""Pictures, sound, video and documents that go into a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

MediaKind = Literal["image", "audio", "video", "file"]


@dataclass(frozen=True, slots=True)
class Media:
    """One picture, sound, video or document: its bytes, or the address where they lie."""

    kind: MediaKind
    mime: str
    """Media type, such as "image/png" (RFC 6838)."""
    data: bytes | None = field(default=None, repr=False)
    url: str = ""
    """Given instead of the bytes; an adapter fetches it where its server takes bytes only."""
    name: str = ""
    """File name, where there is one."""
