"""What an agent's author tells it: Instructions in one language or in both, and the Persona that it speaks as."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentsdk.errors import ConfigurationError
from agentsdk.i18n import _
from agentsdk.prompts.fence import fence_word, nonce

Words = str | Path | Mapping[str, str | Path]
"""A text; a Path to a Markdown file that holds it; or both languages: {"en": ..., "zh": ...}."""

LANGUAGES = ("en", "zh")

_HOLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def spoken(words: Words, language: str) -> str:
    """Return the text in `language`; where it is there in one language only, in that one."""
    if isinstance(words, Mapping):
        return str(words[language] if language in words else next(iter(words.values()), "")).strip()
    return str(words).strip()


def read_words(words: Words, what: str) -> Words:
    """Return the words with every Path read.

    Args:
        words: as their author gave them.
        what: what they are, for the error: "instructions".

    Raises:
        ConfigurationError: a file cannot be read, a language is not known, or it is no text at all.

    """
    if isinstance(words, str):
        return words
    if isinstance(words, Path):
        return _read(words, what)
    if isinstance(words, Mapping):
        unknown = sorted(str(k) for k in words if k not in LANGUAGES)
        if unknown or not words:
            raise ConfigurationError(
                _("The {what} name no language that there is: {names}.").format(
                    what=what, names=", ".join(unknown) or "-"
                ),
                fix='{"en": "...", "zh": "..."}',
            )
        return {k: str(read_words(v, what)) for k, v in words.items()}
    raise ConfigurationError(
        _("The {what} must be text, not {kind}.").format(what=what, kind=type(words).__name__),
        fix=_('Give a text, a Path to a Markdown file, or {{"en": ..., "zh": ...}}.').format(),
    )


@dataclass(frozen=True, slots=True)
class Persona:
    """Who the agent speaks as. It stands in the system part of a request and nowhere else.

    A changed persona is a changed request: a recording made with another one is not found, and says so. `label` is
    shown in `RunStarted`.

    Raises:
        ConfigurationError: there is no name, or no text.

    """

    name: str
    text: Words
    version: str = "1"
    """The author's own; the digest changes with the text, whatever the version says."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", read_words(self.text, _("persona")))
        if not self.name.strip() or not all(spoken(self.text, each) for each in LANGUAGES):
            raise ConfigurationError(
                _("A persona needs a name and a text."),
                fix='Persona("Ada", "You are Ada, a patient librarian.")',
            )

    @property
    def digest(self) -> str:
        """Ten hexadecimal digits that depend on the name, the version and every word of the text."""
        texts = sorted(self.text.items()) if isinstance(self.text, Mapping) else [("", self.text)]
        whole = "\0".join([self.name, self.version, *(f"{k}\0{v}" for k, v in texts)])
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:10]

    @property
    def label(self) -> str:
        """The persona in a word: "Ada 1 (5f3a9c01de)"."""
        return f"{self.name} {self.version} ({self.digest})"


@dataclass(frozen=True, slots=True)
class Instructions:
    """How an agent is to answer: a text, a Markdown file, or both languages; and who it speaks as.

    Args:
        text: the instructions. `{{name}}` in them stands for `values["name"]`.
        persona: who the agent speaks as; it comes first.
        values: what fills the holes. A value is data: it stands between marks that it cannot close, and may come
            from anywhere. What is to be followed belongs into the text.

    Raises:
        ConfigurationError: a file cannot be read, or holes and values differ.

    """

    text: Words = ""
    persona: Persona | None = None
    values: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", read_words(self.text, _("instructions")))
        texts = list(self.text.values()) if isinstance(self.text, Mapping) else [self.text]
        for text in texts if self.values else ():
            holes = set(_HOLE.findall(str(text)))
            if holes != set(self.values):
                raise ConfigurationError(
                    _("The holes of the instructions and their values differ."),
                    why=_("Holes: {holes}. Values: {values}.").format(
                        holes=", ".join(sorted(holes)) or "-", values=", ".join(sorted(self.values))
                    ),
                    fix='Instructions("Greet {{name}}.", values={"name": "Bob"})',
                )

    @classmethod
    def of(cls, given: Words | Persona | Instructions) -> Instructions:
        """Return what `Agent(instructions=)` was given as Instructions."""
        if isinstance(given, Instructions):
            return given
        return cls(persona=given) if isinstance(given, Persona) else cls(given)

    def parts(self, language: str) -> dict[str, str]:
        """Return the parts of the system text, in their order: "persona" and "instructions", those that there are."""
        told = spoken(self.text, language)
        if self.values:
            mark = nonce(f"{k}={v}" for k, v in sorted(self.values.items()))
            told = _HOLE.sub(lambda hole: fence_word(hole[1], str(self.values[hole[1]]), mark), told)
        who = spoken(self.persona.text, language) if self.persona else ""
        return {k: v for k, v in (("persona", who), ("instructions", told)) if v}


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            _("The {what} cannot be read from {path}.").format(what=what, path=path),
            why=(error.strerror or str(error)) if isinstance(error, OSError) else _("It is not a text file."),
            fix=_("Give a Markdown file in UTF-8, or the text itself."),
        ) from error
