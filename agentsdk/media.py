"""Pictures, sound, video and documents that go into a conversation."""

from __future__ import annotations

import base64
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from agentsdk.errors import MediaUnreadable
from agentsdk.i18n import _

MediaKind = Literal["image", "audio", "video", "file"]

LARGEST = 20 * 1024 * 1024
"""Bytes of one picture or the like: what OpenAI takes of a picture, and DashScope of a file in a request."""

# First bytes, where they stand, and the type: as the formats' own specifications have them.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"%PDF-", "application/pdf"),
)


@dataclass(frozen=True, slots=True)
class Media:
    """One picture, sound, video or document: its bytes, or the address where they lie.

        Message.user("What is in it?", Media.of("photo.jpg"))

    Made by `of`, `read`, `at` or `holding`; directly where kind and type are known.
    """

    kind: MediaKind
    mime: str
    """Media type, such as "image/png" (RFC 6838)."""
    data: bytes | None = field(default=None, repr=False)
    url: str = ""
    """Given instead of the bytes; an adapter fetches it where its server takes bytes only."""
    name: str = ""
    """File name, where there is one."""

    @classmethod
    def of(cls, source: str | Path | bytes | Media) -> Media:
        """Return what a source holds: a path, an http address, a data URI, or bytes.

        Raises:
            MediaUnreadable: there is no such file, it is empty or too large, or of a kind that no model takes.

        """
        if isinstance(source, Media):
            return source
        if isinstance(source, bytes):
            return cls.holding(source)
        if isinstance(source, str) and source.startswith("data:"):
            return cls._of_data_uri(source)
        if isinstance(source, str) and source.lower().startswith(("http://", "https://")):
            return cls.at(source)
        return cls.read(source)

    @classmethod
    def read(cls, path: str | Path) -> Media:
        """Return what a file holds; errors as `of`."""
        file = Path(path).expanduser()
        try:
            size = file.stat().st_size
            if size > LARGEST:
                raise MediaUnreadable(
                    _("{name} is too large for a model.").format(name=file.name),
                    why=_("It has {size:,} bytes; {most:,} may be sent.").format(size=size, most=LARGEST),
                    fix=_("Make it smaller, or give its address if the model's server fetches addresses."),
                )
            return cls.holding(file.read_bytes(), name=file.name)
        except OSError as error:
            raise MediaUnreadable(
                _("{name} cannot be read.").format(name=path),
                why=error.strerror or str(error),
                fix=_("Give the path of a picture, sound, video or PDF, or its http address."),
            ) from error

    @classmethod
    def at(cls, url: str, *, kind: MediaKind | None = None) -> Media:
        """Return what lies at an address; its kind is read off the ending, and is a picture where that says nothing."""
        mime = mimetypes.guess_type(urlsplit(url).path)[0] or ""
        return cls(kind or _kind_of(mime) or "image", mime, url=url, name=Path(urlsplit(url).path).name)

    @classmethod
    def holding(cls, data: bytes, *, mime: str = "", name: str = "") -> Media:
        """Return bytes as what they are: by their first bytes, else by `mime` or the name's ending; errors as `of`."""
        if not data or len(data) > LARGEST:
            raise MediaUnreadable(
                _("{name} cannot be sent to a model.").format(name=name or _("It")),
                why=_("It has {size:,} bytes; 1 to {most:,} may be sent.").format(size=len(data), most=LARGEST),
            )
        known = next((m for at, magic, m in _MAGIC if data[at : at + len(magic)] == magic), "")
        found = known or mime.partition(";")[0].strip() or mimetypes.guess_type(name)[0] or ""
        kind = _kind_of(found)
        if kind is None:
            raise MediaUnreadable(
                _("{name} is no picture, sound, video or PDF.").format(name=name or _("It")),
                why=_("Its type is {mime}.").format(mime=found or _("unknown")),
                fix=_("Texts are given as references, or in the question itself."),
            )
        return cls(kind, found, data, name=name)

    @classmethod
    def _of_data_uri(cls, uri: str) -> Media:
        head, _comma, body = uri.partition(",")
        try:
            if not head.endswith(";base64"):
                raise ValueError("not base64")
            return cls.holding(base64.b64decode(body, validate=True), mime=head[5:-7])
        except ValueError as error:
            raise MediaUnreadable(
                _("The data URI cannot be read."),
                fix=_("Write data:image/png;base64, and the bytes in base64."),
            ) from error

    @property
    def base64(self) -> str:
        """The bytes in base64."""
        return base64.b64encode(self.data or b"").decode()

    @property
    def uri(self) -> str:
        """The address, or the bytes as a data URI (RFC 2397)."""
        return self.url if self.data is None else f"data:{self.mime};base64,{self.base64}"


def _kind_of(mime: str) -> MediaKind | None:
    kind = mime.partition("/")[0]
    if kind == "image" and "svg" not in mime:
        return "image"
    if kind == "audio":
        return "audio"
    if kind == "video":
        return "video"
    return "file" if mime == "application/pdf" else None
