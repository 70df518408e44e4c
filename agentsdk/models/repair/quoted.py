"""Follows what of a text has been shown, and says whether its next word is quoted or begins a line."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"`+|~+|\n|[^`~\n]+")
_FENCE = 3


class Place:
    """The place where a text goes on: in code, in a quotation, at the start of a line.

    What stands in Markdown's code, in a block or between backticks, is told about and not done; so is a line that
    begins with ">". A backtick that nothing closes counts until the end of its paragraph.
    """

    def __init__(self) -> None:
        self.begins = True
        """Whether nothing but white space stands before it on its line."""
        self._cited = False
        self._run = ("", 0)
        self._span = 0
        self._fence = ("", 0)

    def feed(self, text: str) -> None:
        """Take in what was shown next."""
        for token in _TOKEN.finditer(text):
            mark = token[0][0]
            if mark in "`~":
                if self._run[0] != mark:
                    self._end_run()
                self._run = (mark, self._run[1] + len(token[0]))
                continue
            self._end_run()
            if mark == "\n":
                self.break_line()
            elif self.begins and (words := token[0].strip()):
                self.begins = False
                self._cited = words.startswith(">")

    def break_line(self) -> None:
        """Begin a new line."""
        if self.begins:  # a blank one ends the paragraph
            self._span = 0
        self.begins, self._cited = True, False

    @property
    def quoted(self) -> bool:
        """Whether what comes next is quoted."""
        self._end_run()
        return bool(self._span or self._fence[1] or self._cited)

    def _end_run(self) -> None:
        mark, length = self._run
        if not length:
            return
        self._run = ("", 0)
        if self._fence[1]:
            if mark == self._fence[0] and length >= self._fence[1]:
                self._fence = ("", 0)
        elif length >= _FENCE and (mark == "`" or self.begins):
            self._fence, self._span = (mark, length), 0
        elif mark == "`":
            self._span = 0 if self._span == length else self._span or length
        self.begins = False
