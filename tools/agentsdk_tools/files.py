"""files: lists, reads and searches files below given folders, and nothing outside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from agentsdk import Tool, tool
from agentsdk.errors import AgentError, ConfigurationError, ToolError
from agentsdk.evidence import Passage
from agentsdk.i18n import _
from agentsdk.references.load import files_below, load

MOST_FILES = 200
MOST_HITS = 40
LONGEST = 12_000
"""Characters that one read shows."""
LARGEST = 10 * 1024 * 1024
"""Bytes of the largest file that is read."""


def files(*folders: str) -> list[Tool[Any, Any]]:
    """Tools that list, read and search files below given folders only: list_files, read_file, search_files.

    `files("docs")` in code, `--tool files:docs` on the command line. Links are followed only where they stay inside.

    Raises:
        ConfigurationError: a folder does not exist.

    """
    roots = [_root(folder) for folder in folders]
    if not roots:
        raise ConfigurationError(_("files needs a folder."), fix='files("docs")')

    @tool(name="list_files")
    def list_files(folder: str = ".") -> list[str]:
        """Return the files below a folder, with their sizes in bytes.

        Args:
            folder: below the folders given; "." is all of them.

        """
        found: list[str] = []
        for root in roots:
            start = _inside(root, folder)
            if start is None or not start.is_dir():
                continue
            for file in _files(start, root):
                if len(found) >= MOST_FILES:
                    return [*found, _("... and more: name a folder")]
                found.append(f"{_shown(file, root, roots)} ({file.stat().st_size})")
        if not found and not any(_inside(r, folder) for r in roots):
            raise _outside(folder)
        return found

    @tool(name="read_file")
    def read_file(path: str, start: int = 0) -> Passage:
        """Return the text of a file, so that it can be quoted; a long file comes in parts.

        Args:
            path: as list_files shows it.
            start: the character to begin at; where a part ended.

        """
        file, root = _file(path, roots)
        source = load(file, name=_shown(file, root, roots), largest=LARGEST)
        begin = max(0, min(start, len(source.text)))
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
        if not text.strip():
            raise ToolError(_("There is nothing to search for."))
        hits: list[str] = []
        for root in roots:
            start = _inside(root, folder)
            for file in _files(start, root) if start and start.is_dir() else ():
                try:
                    source = load(file, largest=LARGEST)
                except AgentError:
                    continue  # a picture among the texts is no reason to stop
                for number, line in enumerate(source.text.splitlines(), 1):
                    if text.lower() in line.lower():
                        hits.append(f"{_shown(file, root, roots)}:{number}: {line.strip()[:300]}")
                        if len(hits) >= MOST_HITS:
                            return [*hits, _("... and more")]
        return hits

    return [list_files, read_file, search_files]


def _root(folder: str) -> Path:
    root = Path(folder)
    if not root.is_dir():
        raise ConfigurationError(
            _("There is no folder {folder}.").format(folder=folder), fix=_("Give one that exists: files:docs")
        )
    return root.resolve()


def _inside(root: Path, path: str) -> Path | None:
    """Return the real path of a name below `root`, or None where it leads out, by dots, by links, or outright."""
    # "~", drive letters, streams and devices of Windows, and bytes that end a name: none is a name below a folder.
    if "\0" in path or any(c in path for c in ":*?<>|\n\r") or "%" in path or path.startswith(("~", "\\\\")):
        return None
    pure = PurePosixPath(path.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts:
        return None
    try:
        real = (root / pure).resolve()
        real.exists()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name too long
        return None
    return real if real == root or root in real.parents else None


def _file(path: str, roots: list[Path]) -> tuple[Path, Path]:
    known = False
    for root in roots:
        names = [path]
        if len(roots) > 1 and path.startswith(f"{root.name}/"):
            names.insert(0, path.removeprefix(f"{root.name}/"))
        for name in names:
            found = _inside(root, name)
            known = known or found is not None
            if found is not None and found.is_file():
                return found, root
    if not known:
        raise _outside(path)
    raise ToolError(
        _("There is no file {path}.").format(path=path), fix=_("list_files shows the files there are.")
    )


def _files(start: Path, root: Path) -> Iterator[Path]:
    for file in files_below(start):
        real = Path(os.path.realpath(file))
        if real.is_file() and root in real.parents:  # a link that leads out is not listed
            yield file


def _shown(file: Path, root: Path, roots: list[Path]) -> str:
    name = file.relative_to(root).as_posix()
    return f"{root.name}/{name}" if len(roots) > 1 else name


def _outside(path: str) -> ToolError:
    return ToolError(
        _("{path} is not below the folders given.").format(path=path[:200]),
        fix=_("list_files shows the files there are."),
    )
