"""Reads a file as text: what it says, where its pages begin, and in which encoding it was."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

from agentsdk.errors import (
    AgentError,
    FileMissing,
    FileTooLarge,
    FileUnreadable,
    MissingExtra,
    NothingReadable,
    ReferencesError,
)
from agentsdk.i18n import _
from agentsdk.references.words import CJK

LARGEST = 50 * 1024 * 1024
"""Bytes of the largest file that is read, unless the caller says otherwise."""

_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd"}
_HTML = {".html", ".htm", ".xhtml"}
_OFFICE = {".docx", ".pptx", ".xlsx"}
_SKIPPED_FOLDERS = {"node_modules", "__pycache__", "venv", "site-packages"}


@dataclass(frozen=True)
class Source:
    """A text that can be cited."""

    name: str
    """As it is cited: the path as it was given; below a folder that was given, with "/" between."""
    text: str
    """What offsets point into. For a text file: the decoded file as it stands, line ends included."""
    kind: str = "text"
    """"text", "markdown", "html", "pdf" or "office"."""
    encoding: str = "utf-8"
    page_starts: tuple[int, ...] = field(default=())
    """Offset at which each page begins; empty where there are no pages."""

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", self.text))]

    def line(self, offset: int) -> int:
        """Return the line that the character at `offset` stands in, from 1."""
        return bisect_right(self._line_starts, offset)

    def page(self, offset: int) -> int | None:
        """Return the page that the character at `offset` stands on, from 1; None where there are no pages."""
        return bisect_right(self.page_starts, offset) or 1 if self.page_starts else None


def load(path: str | os.PathLike[str], *, name: str | None = None, largest: int = LARGEST) -> Source:
    """Return the text of a file.

    Args:
        name: what the source is called in citations; the path as given, unless said otherwise.
        largest: bytes above which a file is refused without reading it.

    Raises:
        FileMissing: there is nothing at the path.
        FileTooLarge: it has more than `largest` bytes.
        FileUnreadable: it is a folder, may not be read, is broken, encrypted, or holds no text.
        NothingReadable: it is empty, or a PDF of pictures only.
        MissingExtra: its kind needs `agentsdk[docs]`.

    """
    file = Path(path)
    shown = name or (path if isinstance(path, str) else str(path))
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileMissing(
            _("There is no file {path}.").format(path=shown),
            fix=_("Check the path; it is looked up from {folder}.").format(folder=Path.cwd()),
        ) from error
    except (OSError, ValueError) as error:
        raise FileUnreadable(_("{path} cannot be read.").format(path=shown), why=str(error)) from error
    if not file.is_file():
        raise FileUnreadable(
            _("{path} is not a file.").format(path=shown),
            fix=_("Give a file; a folder can be given to References.from_files or --ref."),
        )
    if status.st_size > largest:
        raise FileTooLarge(
            _("{path} has {size:,} bytes.").format(path=shown, size=status.st_size),
            why=_("At most {most:,} are read.").format(most=largest),
            fix=_("Split it, or take the part that is needed."),
        )
    kind = file.suffix.lower()
    try:
        if kind == ".pdf":
            source = _read_pdf(file, shown)
        elif kind in _OFFICE:
            source = Source(shown, _read_office(file, shown), "office")
        else:
            raw = file.read_bytes()
            if raw.startswith(b"%PDF-"):
                source = _read_pdf(file, shown)
            else:
                text, encoding = decode(raw, shown)
                if kind in _HTML:
                    source = Source(shown, _read_html(text, shown), "html", encoding)
                else:
                    source = Source(shown, text, "markdown" if kind in _MARKDOWN else "text", encoding)
    except OSError as error:
        raise FileUnreadable(
            _("{path} cannot be read.").format(path=shown), why=error.strerror or str(error)
        ) from error
    if not source.text.strip():
        why = _("Its pages hold pictures and no text.") if source.kind == "pdf" and source.page_starts else ""
        raise NothingReadable(
            _("{path} holds no text.").format(path=shown),
            why=why,
            fix=_("Recognise its text first, for example with ocrmypdf.") if why else "",
        )
    return source


def files_below(path: Path) -> Iterator[Path]:
    """Yield the files to read below a folder, by name; hidden ones and those of tools are left out."""
    seen: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(path, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:  # a link that leads back up
            names.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        names[:] = sorted(n for n in names if not n.startswith(".") and n not in _SKIPPED_FOLDERS)
        yield from (Path(folder, f) for f in sorted(files) if not f.startswith("."))


def load_all(
    path: str | os.PathLike[str], *, largest: int = LARGEST
) -> tuple[list[Source], list[tuple[str, AgentError]]]:
    """Return the texts of a file, or of all files below a folder, and what was skipped with its error.

    Raises:
        ReferencesError: the one file cannot be read, or the folder holds nothing that can.
        MissingExtra: the one file needs an extra.

    """
    root = Path(path)
    shown = path if isinstance(path, str) else str(path)
    if not root.is_dir():
        return [load(path, largest=largest)], []
    sources: list[Source] = []
    skipped: list[tuple[str, AgentError]] = []
    for file in files_below(root):
        name = Path(shown, file.relative_to(root)).as_posix()
        try:
            sources.append(load(file, name=name, largest=largest))
        except (ReferencesError, MissingExtra) as error:
            skipped.append((name, error))
    if not sources:
        reasons = "; ".join(error.what for _name, error in skipped[:3])
        raise NothingReadable(
            _("There is nothing to read in {path}.").format(path=shown),
            why=reasons or _("It holds no files."),
            fix=_("Text, Markdown, HTML, PDF and Office files are read."),
        )
    return sources, skipped


def decode(raw: bytes, name: str) -> tuple[str, str]:
    """Return the text of `raw` and its encoding: UTF-8, UTF-16, GB18030, Big5 or Windows-1252.

    Raises:
        FileUnreadable: it is not text.

    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if raw.startswith(mark):
            try:
                return raw.decode(encoding), encoding
            except UnicodeDecodeError:
                break
    sample = raw[:65536]
    if b"\0" in sample or sum(b < 9 or 13 < b < 27 or 27 < b < 32 for b in sample) > max(4, len(sample) // 50):
        raise FileUnreadable(
            _("{path} is not a text file.").format(path=name),
            why=_("It holds binary data."),
            fix=_("Text, Markdown, HTML, PDF and Office files are read."),
        )
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    found = [(c, raw.decode(c)) for c in ("gb18030", "big5hkscs", "cp1252") if _decodes(raw, c)]
    if not found:
        raise FileUnreadable(
            _("The encoding of {path} is not known.").format(path=name),
            why=_("It is neither UTF-8 nor UTF-16, GB18030, Big5 or Windows-1252."),
            fix=_("Save it as UTF-8."),
        )
    encoding, text = max(found, key=lambda pair: _plausible(pair[1]))
    if _plausible(text) < 0.4:
        raise FileUnreadable(
            _("{path} is not a text file.").format(path=name),
            why=_("In no encoding that is known does it read like text."),
            fix=_("Save it as UTF-8."),
        )
    return text, encoding


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


# The commonest characters of Chinese prose, simplified and traditional: in a wrong decoding, characters come
# from all over the table, and hardly any of these appears.
_COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学"
    "如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业"
    "外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声"
    "這個們來為國說時會過發後裡種經麼學現當沒動還進從實軍與長機將問間應戰頭體見產給內門聲電請須開關業無對於點樣處買賣萬幾"
    "，。、；：！？“”《》（）请须处买卖万几退款天数日号用户产品价格费用年月元"
)


def _plausible(text: str) -> float:
    """Return how much a decoded text reads like text: the share of its non-ASCII characters that are common."""
    odd = [c for c in text[:20000] if ord(c) > 0x7F]
    if not odd:
        return 1.0
    common = sum(c in _COMMON for c in odd)
    chinese = sum("\u4e00" <= c <= "\u9fff" for c in odd)
    # Western text has few letters beyond ASCII, and they stand inside or beside Latin words.
    latin = sum("\xa0" <= c <= "\xff" or c in "‘’“”–—…€™•ŒœŠšž" for c in odd)
    if latin > chinese:
        return latin / len(odd) * (0.9 if len(odd) * 3 < len(text[:20000]) else 0.2)
    return min(1.0, common / len(odd) * 1.6 + 0.15 * chinese / len(odd))


def _read_pdf(file: Path, name: str) -> Source:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise FileUnreadable(
            _("{path} is a PDF that cannot be opened.").format(path=name),
            why=_("It is locked with a password.")
            if locked
            else _("It is damaged: {error}").format(error=error),
            fix=_("Save it without a password.") if locked else _("Open it in a PDF reader and save it again."),
        ) from error
    pages: list[str] = []
    try:
        for number in range(len(document)):
            page = document[number]
            words = page.get_textpage()
            pages.append(_join_lines(words.get_text_bounded()))
            words.close()
            page.close()
    except pypdfium2.PdfiumError as error:
        raise FileUnreadable(
            _("Page {page} of {path} cannot be read.").format(page=len(pages) + 1, path=name),
            why=str(error),
            fix=_("Open it in a PDF reader and save it again."),
        ) from error
    finally:
        document.close()
    starts, at = [], 0
    for text in pages:
        starts.append(at)
        at += len(text) + 2
    return Source(name, "\n\n".join(pages), "pdf", "utf-8", tuple(starts))


def _join_lines(text: str) -> str:
    """Return a page's text with the line ends inside Chinese sentences and hyphenated words taken out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "").replace("\0", "")
    text = re.sub(rf"(?<=[{CJK}，、；])\n(?=[{CJK}])", "", text)
    return re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", text)


def _read_html(text: str, name: str) -> str:
    try:
        import trafilatura
    except ImportError as error:
        raise _missing_docs(name) from error
    found = trafilatura.extract(
        text, output_format="markdown", include_tables=True, include_links=False, favor_recall=True
    )
    if found:
        return str(found)
    # A page without a body of prose, such as a list of links: every word of it, without the marks.
    return str(trafilatura.html2txt(text))


def _read_office(file: Path, name: str) -> str:
    try:
        from markitdown import MarkItDown
    except ImportError as error:
        raise _missing_docs(name) from error
    try:
        if not is_zipfile(file):  # else the converter would take it for a plain text
            raise BadZipFile(_("It is no Office file inside."))
        return str(MarkItDown(enable_plugins=False).convert(file).text_content)
    except Exception as error:  # the converters raise zip, XML and their own errors alike
        raise FileUnreadable(
            _("{path} cannot be read as an Office file.").format(path=name),
            why=f"{type(error).__name__}: {str(error)[:200]}",
            fix=_("Open it in an Office program and save it again as .docx, .pptx or .xlsx."),
        ) from error


def _missing_docs(name: str) -> MissingExtra:
    return MissingExtra(
        _("{path} needs a package that is not installed.").format(path=name),
        why=_("HTML and Office files are read by the docs extra."),
        fix='pip install "agentsdk[docs]"',
    )
