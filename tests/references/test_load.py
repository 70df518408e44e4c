import os
import sys
import zipfile
from pathlib import Path

import pytest

from agentsdk import References
from agentsdk.errors import FileMissing, FileTooLarge, FileUnreadable, NothingReadable, ReferencesError
from agentsdk.references.load import load

SIMPLIFIED = "读者证有效期为三年，到期后可以免费续期。图书馆每天九点开门。"
TRADITIONAL = "讀者證有效期為三年，到期後可以免費續期。圖書館每天九點開門。"


def pdf(*pages: str) -> bytes:
    """Return a PDF with a line of Latin text a page, written by hand."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{3 + 2 * i} 0 R" for i in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    for i, text in enumerate(pages):
        content = b"BT /F1 12 Tf 72 720 Td (" + text.encode() + b") Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {4 + 2 * i} 0 R "
            f"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % s for s in starts)
    end = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, end)


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8-sig"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (SIMPLIFIED, "gbk", "gb18030"),
        (TRADITIONAL, "big5", "big5hkscs"),
        ("退款需要七天", "gb18030", "gb18030"),
        ("退款需要七個工作天", "big5", "big5hkscs"),
        ("Das Café öffnet täglich um neun; die Tür ist grün. Preis: 5 €.", "cp1252", "cp1252"),
        ("plain", "ascii", "utf-8"),
    ],
)
def test_the_encoding_is_recognised(tmp_path: Path, text: str, encoding: str, named: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(text.encode(encoding))
    source = load(file)
    assert (source.text, source.encoding) == (text, named)


def test_line_ends_stay_so_that_offsets_are_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"one\r\ntwo\rthree\nfour")
    source = load(file)
    assert source.text == "one\r\ntwo\rthree\nfour"
    assert [source.line(source.text.index(w)) for w in ("one", "two", "three", "four")] == [1, 2, 3, 4]


def test_a_pdf_has_pages(tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(pdf("The tower is 58 metres high.", "Tickets cost six euros."))
    source = load(file)
    assert source.page(source.text.index("tower")) == 1
    assert source.page(source.text.index("Tickets")) == 2
    citation = References.from_files(file).locate("cost six euros")
    assert citation is not None
    assert citation.page == 2
    assert source.text[citation.start : citation.end] == "cost six euros"


def test_html_is_read_without_its_menus(tmp_path: Path) -> None:
    file = tmp_path / "a.html"
    file.write_text(
        "<html><body><nav>Home Shop Login</nav><article><h1>Tower</h1><p>The tower is 58 metres high, and was "
        "finished in 1466 by master builders.</p><table><tr><th>Day</th><th>Open</th></tr><tr><td>Monday</td><td>closed</td>"
        "</tr></table></article></body></html>",
        encoding="utf-8",
    )
    text = load(file).text
    assert "58 metres" in text
    assert "Login" not in text
    assert "closed" in text


def test_office_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.docx"
    document = (
        '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        "<w:p><w:r><w:t>保修期为两年。The warranty is two years.</w:t></w:r></w:p></w:body></w:document>"
    )
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension='
        '"rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    rels = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship '
        'Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
        "</Relationships>"
    )
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (
            ("[Content_Types].xml", types),
            ("_rels/.rels", rels),
            ("word/document.xml", document),
        ):
            archive.writestr(name, content)
    assert "保修期为两年" in load(file).text
    broken = tmp_path / "b.docx"
    broken.write_bytes(b"no zip at all")
    with pytest.raises(FileUnreadable, match="Office"):
        load(broken)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("empty.txt", b"", NothingReadable),
        ("blank.md", b" \n\n", NothingReadable),
        ("picture.txt", b"\x89PNG\r\n\x1a\n\0\0\0", FileUnreadable),
        ("noise.txt", bytes(range(128, 256)) * 20, FileUnreadable),
        ("broken.pdf", b"%PDF-1.4 and nothing more", FileUnreadable),
        ("scan.pdf", pdf(""), NothingReadable),
    ],
)
def test_what_cannot_be_read_is_told(
    tmp_path: Path, name: str, content: bytes, error: type[ReferencesError]
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(error) as raised:
        load(file)
    assert name in raised.value.what


def test_a_large_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    file = tmp_path / "large.txt"
    with file.open("wb") as sparse:
        sparse.truncate(200 * 1024 * 1024)
    with pytest.raises(FileTooLarge, match="209,715,200"):
        load(file)


def test_a_missing_file_and_a_folder_given_as_a_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(FileMissing):
        load(tmp_path / "no.md")
    with pytest.raises(FileMissing):
        References.from_files(tmp_path / "no.md")
    with pytest.raises(FileUnreadable):
        load(tmp_path)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="rights do not bind this user")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x", encoding="utf-8")
    file.chmod(0)
    with pytest.raises(FileUnreadable):
        load(file)


def test_a_folder_is_read_whole_and_what_was_left_out_is_listed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.md").write_text("The tower is high.", encoding="utf-8")
    (tmp_path / "sub" / "b.txt").write_text("塔很高。", encoding="utf-8")
    (tmp_path / ".git" / "config").write_text("secret", encoding="utf-8")
    (tmp_path / "c.bin").write_bytes(b"\0\1")
    if sys.platform != "win32":
        (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    references = References.from_files(tmp_path)
    assert [Path(s).name for s in references.sources] == ["a.md", "b.txt"]
    assert [Path(name).name for name, _error in references.skipped] == ["c.bin"]


def test_a_folder_with_nothing_to_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.bin").write_bytes(b"\0\1")
    with pytest.raises(NothingReadable, match="nothing to read"):
        References.from_files(tmp_path)
    with pytest.raises(NothingReadable):
        References.from_files()
    with pytest.raises(NothingReadable):
        References.from_texts({"a": " "})
