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

# First bytes and the type: as the formats' own specifications have them.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"%PDF-", "application/pdf"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
# ISO base media: what the four letters after "ftyp" say (ISO/IEC 14496-12, and the registry mp4ra.org).
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"msf1": "image/heif",
           b"avif": "image/avif", b"avis": "image/avif", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}  # fmt: skip


def _sniffed(data: bytes) -> str:
    """Return the type that bytes begin as; "" where they begin as none of these."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "video/mp4")
    if data[:2] == b"BM" and int.from_bytes(data[2:6], "little") == len(data):  # BMP says its own length
        return "image/bmp"
    return next((mime for magic, mime in _MAGIC if data.startswith(magic)), "")


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
        known = _sniffed(data)
        found = known or mime.partition(";")[0].strip() or mimetypes.guess_type(name)[0] or ""
        kind = _kind_of(found)
        if found in ("image/heic", "image/heif"):
            raise MediaUnreadable(
                _("{name} cannot be sent to a model.").format(name=name or _("It")),
                why=_("Its type is {mime}.").format(mime=found),
                fix=_("Models take JPEG and PNG: convert it first."),
            )
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
