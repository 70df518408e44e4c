"""Says a sentence in the user's language: AGENTSDK_LANG, else the locale, else English."""

import gettext
import os
import re
from functools import cache
from pathlib import Path

DOMAIN = "agentsdk"
LOCALE_DIR = Path(__file__).parent / "locale"


def language() -> str:
    """Return the language to speak, "en" or "zh", from AGENTSDK_LANG, LC_ALL, LC_MESSAGES or LANG.

    It is read at every call and not once while importing: a test, a notebook or a server may change it.
    """
    for name in ("AGENTSDK_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name, "").strip().lower():
            return "zh" if value.startswith("zh") else "en"
    return "en"


@cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, str(LOCALE_DIR), [code], fallback=True)


def _(message: str) -> str:
    """Return `message` in the user's language; an unknown message comes back as it is."""
    code = language()
    return message if code == "en" else _catalogue(code).gettext(message)


def speak_for_libraries() -> None:
    """Let Typer and argparse, which take their words from gettext's global domain, find them in this catalogue."""
    os.environ["LANGUAGE"] = language()
    gettext.bindtextdomain(DOMAIN, str(LOCALE_DIR))
    gettext.textdomain(DOMAIN)


def language_of(text: str) -> str:
    """Return the language a text is written in: "zh" where it holds Chinese characters and no kana, else "en".

    An answer is given in the language of its question; help and errors in that of the user (`language`).
    """
    return "zh" if re.search("[\u3400-\u9fff]", text) and not re.search("[\u3040-\u30ff]", text) else "en"
