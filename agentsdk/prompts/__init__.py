"""One Markdown file a prompt, in English and Chinese, and `render`, which fills its holes."""

import re
from functools import cache
from pathlib import Path

_HOLE = re.compile(r"\{\{(\w+)\}\}")


def render(name: str, language: str = "en", **values: str) -> str:
    """Return the prompt `name` in `language` with its `{{holes}}` filled.

    Raises:
        KeyError: a hole has no value, or a value has no hole. Both are mistakes in this package.

    """
    text = _read(name, language)
    holes = set(_HOLE.findall(text))
    if holes != set(values):
        raise KeyError(f"prompt {name}: holes {sorted(holes)}, values {sorted(values)}")
    return _HOLE.sub(lambda m: values[m[1]], text).strip()


@cache
def _read(name: str, language: str) -> str:
    return (Path(__file__).parent / language / f"{name}.md").read_text(encoding="utf-8")
