"""Says Typer's own sentences in the user's language: it writes them in English, and looks few of them up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from agentsdk.i18n import _


class SpokenCommand(TyperCommand):
    """A command whose page of help is all in one language."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the line of usage."""
        _write_usage(self, ctx, formatter)

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option --help."""
        return _spoken(super().get_help_option(ctx))


class SpokenGroup(TyperGroup):
    """A group of commands whose page of help is all in one language."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the line of usage."""
        _write_usage(self, ctx, formatter)

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option --help."""
        return _spoken(super().get_help_option(ctx))


def _write_usage(command: Any, ctx: Any, formatter: Any) -> None:
    words = {"[OPTIONS]": _("[OPTIONS]"), "COMMAND [ARGS]...": _("COMMAND [ARGS]...")}
    pieces = [words.get(piece, piece) for piece in command.collect_usage_pieces(ctx)]
    formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=_("Usage: "))


def _spoken(option: Any) -> Any:
    if option is not None:
        option.help = _("Show this message and exit.")
    return option


def wrong_use(error: Any) -> str:
    """Return what Typer says of wrong use; empty where no command was given, and the help was shown instead."""
    kind = type(error).__name__
    hint = getattr(error, "param_hint", None) or getattr(getattr(error, "param", None), "opts", [""])[-1]
    if kind == "NoSuchOption":
        return _("No such option: {name}").format(name=error.option_name)
    if kind == "MissingParameter":
        return _("Missing parameter: {param_name}").format(param_name=hint)
    if kind == "BadParameter":
        message = _said(str(error.message).removeprefix("Value error, "))
        return _("Invalid value for {param_hint}: {message}").format(param_hint=hint, message=message)
    return _said(str(error.format_message()))


_SENTENCES: tuple[tuple[str, Callable[[], str]], ...] = (
    (r"Got unexpected extra argument\(s\) \((?P<given>.*)\)", lambda: _("Not expected: {given}")),
    (r"Option '(?P<name>.*)' requires an argument\.", lambda: _("{name} needs a value.")),
    (r"Option '(?P<name>.*)' does not take a value\.", lambda: _("{name} takes no value.")),
    (r"(?P<value>.*) is not one of (?P<choices>.*)\.", lambda: _("{value} is not one of {choices}.")),
    (r"Input should be a valid integer.*", lambda: _("it is not a whole number.")),
    (r"Input should be a valid number.*", lambda: _("it is not a number.")),
)
"""By its pattern: a sentence of Typer, or of pydantic within it, as it is said here."""


def _said(sentence: str) -> str:
    for pattern, ours in _SENTENCES:
        if found := re.fullmatch(pattern, sentence, re.DOTALL):
            return ours().format(**found.groupdict())
    return sentence
