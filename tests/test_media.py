"""Pictures, sound, video and documents: read from paths, bytes, addresses and data URIs."""

import base64
import copy
from pathlib import Path

import pytest

from agentsdk.errors import MediaUnreadable
from agentsdk.media import LARGEST, Media

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
SAMPLES = [
    (PNG, "image", "image/png"),
    (b"\xff\xd8\xff\xe0" + bytes(20), "image", "image/jpeg"),
    (b"GIF89a" + bytes(20), "image", "image/gif"),
    (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image", "image/webp"),
    (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio", "audio/wav"),
    (b"ID3\x04" + bytes(20), "audio", "audio/mpeg"),
    (b"OggS" + bytes(20), "audio", "audio/ogg"),
    (bytes(4) + b"ftypisom" + bytes(8), "video", "video/mp4"),
    (bytes(4) + b"ftypavif" + bytes(8), "image", "image/avif"),
    (bytes(4) + b"ftypM4B " + bytes(8), "audio", "audio/mp4"),
    (b"BM\x0e\x00\x00\x00" + bytes(8), "image", "image/bmp"),
    (b"%PDF-1.7\n", "file", "application/pdf"),
]


@pytest.mark.parametrize(("data", "kind", "mime"), SAMPLES, ids=[s[2] for s in SAMPLES])
def test_bytes_are_known_by_what_they_begin_with_and_not_by_their_name(
    data: bytes, kind: str, mime: str, tmp_path: Path
) -> None:
    file = tmp_path / "misnamed.jpg"
    file.write_bytes(data)
    for media in (Media.of(data), Media.of(file), Media.of(str(file))):
        assert (media.kind, media.mime, media.data) == (kind, mime, data)
    assert Media.of(file).name == "misnamed.jpg"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://example.org/a/photo.jpg?size=large", "image"),
        ("HTTPS://example.org/talk.mp3", "audio"),
        ("https://example.org/film.mp4", "video"),
        ("https://example.org/manual.pdf", "file"),
        ("https://example.org/picture?id=7", "image"),
    ],
)
def test_an_address_is_kept_and_its_kind_read_off_the_ending(url: str, kind: str) -> None:
    media = Media.of(url)
    assert (media.kind, media.url, media.data) == (kind, url, None)
    assert media.uri == url


def test_a_data_uri_is_read_and_written() -> None:
    uri = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert Media.of(uri).data == PNG
    assert Media.of(PNG).uri == uri


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"just text",
        "data:image/png;base64,???",
        "data:text/plain,hello",
        "no-such-file.png",
        bytes(4) + b"ftypheic" + bytes(8),
        b"BMW is a car",
        b"RIFF\x00\x00\x00\x00DATA",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"x" * (LARGEST + 1),
    ],
    ids=[
        "empty",
        "text",
        "not base64",
        "no base64",
        "missing",
        "heic",
        "no bmp",
        "other riff",
        "svg",
        "too large",
    ],
)
def test_what_is_none_of_these_is_refused_with_the_reason(source: str | bytes) -> None:
    with pytest.raises(MediaUnreadable) as raised:
        Media.of(source)
    assert raised.value.what
    assert raised.value.why or raised.value.fix


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    with file.open("wb") as out:
        out.truncate(LARGEST + 1)
    with pytest.raises(MediaUnreadable, match=r"film\.mp4"):
        Media.of(file)


def test_bytes_are_not_printed_and_values_survive_a_copy() -> None:
    media = Media.of(PNG)
    assert "PNG" not in repr(media)
    assert copy.deepcopy(media) == media
