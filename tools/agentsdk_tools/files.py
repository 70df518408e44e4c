"""files: lists, reads and searches files below given folders, and nothing outside them."""

from __future__ import annotations

import errno
import os
import re
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentsdk import Tool, tool
from agentsdk.errors import AgentError, ConfigurationError, ReferencesError, ToolError
from agentsdk.evidence import Passage
from agentsdk.i18n import _
from agentsdk.references.load import Source, load

MOST_FILES = 200
MOST_HITS = 40
LONGEST = 12_000
"""Characters that one read shows."""
LARGEST = 10 * 1024 * 1024
"""Bytes of the largest file that is read."""

_REFUSED = re.compile(r"[:*?<>|\"`]|\$\(")
_HIDDEN = re.compile(r"\.[^.]|\.\.[^.]|~")
_SKIPPED = {"node_modules", "__pycache__", "venv", "site-packages"}
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that are devices on Windows, in every folder."""


def files(*folders: str) -> list[Tool[Any, Any]]:
    """Tools that list, read and search files below given folders only: list_files, read_file, search_files.

    `files("docs")` in code, `--tool files:docs` on the command line. Hidden files are left alone, links are not
    followed, and a file with a second name (a hard link) is refused: it may stand outside as well.

    Raises:
        ConfigurationError: a folder does not exist.

    """
    roots = _roots(folders)

    @tool(name="list_files")
    def list_files(folder: str = ".") -> list[str]:
        """Return the files below a folder, with their sizes in bytes.

        Args:
            folder: below the folders given; "." is all of them.

        """
        found: list[str] = []
        for name, _file, size in _files(folder, roots):
            if len(found) == MOST_FILES:
                return [*found, _("... and more: name a folder")]
            found.append(f"{name} ({size})")
        return found

    @tool(name="read_file")
    def read_file(path: str, start: int = 0) -> Passage:
        """Return the text of a file, so that it can be quoted; a long file comes in parts.

        Args:
            path: as list_files shows it.
            start: the character to begin at; where a part ended.

        """
        name, root, parts = _find(path, roots)
        if not parts:
            raise _missing(path)
        source = _text(root, parts, "/".join(filter(None, [name, *parts])))
        begin = max(0, start)
        if begin >= len(source.text):
            raise ToolError(_("{url} has {count} characters.").format(url=path, count=len(source.text)))
        text = source.text[begin : begin + LONGEST]
        rest = len(source.text) - begin - len(text)
        more = (
            _("{rest} more characters, from start={next}").format(rest=rest, next=begin + len(text))
            if rest
            else ""
        )
        return Passage(text, source.name, begin, source.line(begin), source.page(begin), more)

    @tool(name="search_files")
    def search_files(text: str, folder: str = ".") -> list[str]:
        """Return the lines that hold a text, whatever its case, as "file:line: text".

        Args:
            text: what to search for, to the letter.
            folder: below the folders given.

        """
        wanted = text.strip().casefold()
        if not wanted:
            raise ToolError(_("There is nothing to search for."))
        hits: list[str] = []
        for name, (root, parts), _size in _files(folder, roots):
            try:
                source = _text(root, parts, name)
            except AgentError:
                continue  # a picture among the texts is no reason to stop
            for number, line in enumerate(re.split(r"\r\n|\r|\n", source.text), 1):
                if wanted in line.casefold():
                    hits.append(f"{name}:{number}: {line.strip()[:300]}")
                    if len(hits) == MOST_HITS:
                        return [*hits, _("... and more")]
        return hits

    return [list_files, read_file, search_files]


def _roots(folders: tuple[str, ...]) -> dict[str, Path]:
    """Return the folders by the name that paths begin with: "" where there is only one."""
    if not folders:
        raise ConfigurationError(_("files needs a folder."), fix='files("docs")')
    roots: dict[str, Path] = {}
    for folder in folders:
        root = Path(folder)
        if not root.is_dir():
            raise ConfigurationError(
                _("There is no folder {folder}.").format(folder=folder),
                fix=_("Give one that exists: files:docs"),
            )
        root = root.resolve()
        name = root.name or "root"
        while name in roots:  # a/docs and b/docs
            name += "-2"
        roots[name] = root
    return roots if len(roots) > 1 else {"": next(iter(roots.values()))}


def _parts(path: str) -> list[str]:
    """Return the names that a path is made of, its dots resolved.

    Raises:
        ToolError: it leads out, or holds a name that nothing is read by: hidden, a device of Windows, or one with
            signs that mean something to a shell or to Windows.

    """
    given = path.replace("\\", "/")
    parts: list[str] = []
    for part in given.split("/"):
        # Full-width dots are dots to some file systems.
        plain = unicodedata.normalize("NFKC", part)
        if plain == ".." and not parts:
            raise _outside(path)
        if plain == "..":
            parts.pop()
        elif part not in ("", "."):
            if not _is_read_by(part):
                raise _outside(path)
            parts.append(part)
    if given.startswith(("/", "~")):
        raise _outside(path)
    return parts


def _is_read_by(name: str) -> bool:
    plain = unicodedata.normalize("NFKC", name)
    return name.isprintable() and not (
        _REFUSED.search(name) or _HIDDEN.match(plain) or _DEVICE.fullmatch(plain)
    )


def _find(path: str, roots: dict[str, Path]) -> tuple[str, Path, list[str]]:
    """Return a path's root, by name and place, and the names below it."""
    parts = _parts(path)
    if "" in roots:
        return "", roots[""], parts
    if parts and parts[0] in roots:
        return parts[0], roots[parts[0]], parts[1:]
    raise _missing(path)


def _files(folder: str, roots: dict[str, Path]) -> Iterator[tuple[str, tuple[Path, list[str]], int]]:
    """Yield name, place and size of the files below a folder that may be read, by name."""
    starts = list(roots.items())
    below: list[str] = []
    if _parts(folder):
        name, root, below = _find(folder, roots)
        starts = [(name, root)]
    for name, root in starts:
        start = root.joinpath(*below)
        if _through_link(root, below) or not start.is_dir():
            raise _missing(folder)
        for at, names, files_here in os.walk(start):  # links to folders are not followed
            names[:] = sorted(n for n in names if n not in _SKIPPED and _is_read_by(n))
            for file in (Path(at, f) for f in sorted(files_here) if _is_read_by(f)):
                try:
                    status = file.lstat()
                except OSError:  # gone by now
                    continue
                if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                    place = list(file.relative_to(root).parts)
                    yield "/".join(filter(None, [name, *place])), (root, place), status.st_size


def _through_link(root: Path, parts: list[str]) -> bool:
    return any(root.joinpath(*parts[:n]).is_symlink() for n in range(1, len(parts) + 1))


def _text(root: Path, parts: list[str], name: str) -> Source:
    """Return the text of a file, opened name by name from its root, so that no link can be slipped in between.

    Raises:
        ToolError: there is none, it may not be read, or it is no text.

    """
    try:
        with os.fdopen(_open(root, parts), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _missing(name)
            if status.st_nlink > 1:
                raise ToolError(
                    _("{path} is not read.").format(path=name),
                    why=_("It has a second name (a hard link), which may stand outside the folders given."),
                    fix=_("Copy it."),
                )
            if status.st_size > LARGEST:
                raise ToolError(
                    _("{path} has {size:,} bytes.").format(path=name, size=status.st_size),
                    why=_("At most {most:,} are read.").format(most=LARGEST),
                )
            raw = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(name) from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ELOOP, errno.EMLINK):
            raise _outside(name) from error
        raise ToolError(_("{path} cannot be read.").format(path=name[:200]), why=str(error)[:200]) from error
    # The loaders of PDF and Office files want a file; it gets one that only this process can change.
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, f"file{Path(parts[-1]).suffix}")
        copy.write_bytes(raw)
        try:
            return load(copy, name=name)
        except ReferencesError as error:
            raise ToolError(error.what, why=error.why, fix=error.fix) from error


def _open(root: Path, parts: list[str]) -> int:
    """Return a descriptor of a file below `root`; no part of the way may be a link.

    Where a system cannot open by a folder's descriptor (Windows), links are looked for first: whoever can swap a
    folder for a link in between could win.
    """
    no_link = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    # A pipe without a writer would block for ever.
    last = os.O_RDONLY | no_link | getattr(os, "O_NONBLOCK", 0)
    if os.open not in os.supports_dir_fd:
        if _through_link(root, parts):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return os.open(root.joinpath(*parts), last)
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | no_link, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(parts[-1], last, dir_fd=at)
    finally:
        os.close(at)


def _outside(path: str) -> ToolError:
    return ToolError(
        _("{path} is not below the folders given.").format(path=path[:200]),
        why=_("Paths that lead out, links, and hidden files are not read."),
        fix=_("list_files shows the files there are."),
    )


def _missing(path: str) -> ToolError:
    return ToolError(
        _("There is no file {path}.").format(path=path[:200]), fix=_("list_files shows the files there are.")
    )
