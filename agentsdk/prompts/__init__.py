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


def lengths(language: str = "en", tokens: str = "o200k") -> dict[str, int]:
    """Return about how many tokens each prompt is, by name, its holes left empty.

    Args:
        language: "en" or "zh".
        tokens: whose tokenizer: "o200k" (GPT), "qwen" or "llama".

    """
    from agentsdk.models.tokens import estimate  # models read prompts: at the top it would go in a circle

    files = sorted((Path(__file__).parent / language).glob("*.md"))
    return {f.stem: round(estimate(_HOLE.sub("", _read(f.stem, language)).strip(), tokens)) for f in files}


@cache
def _read(name: str, language: str) -> str:
    return (Path(__file__).parent / language / f"{name}.md").read_text(encoding="utf-8")
