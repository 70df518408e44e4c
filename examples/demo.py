"""The first minute: three questions over two texts, by the very code of `agentsdk ask`. No answer is stored."""

import sys
from pathlib import Path

from agentsdk.cli.commands import run
from agentsdk.i18n import _

TEXTS = Path(__file__).parent / "texts"

QUESTIONS = [
    ("How long is the warranty, and what does the Harbour Pro cost?", TEXTS / "handbook.md"),
    ("读者证的有效期是多久？逾期归还每天收多少滞纳金？", TEXTS / "shouce.md"),
    (
        "What does the Beacon cost, what is 30 * 79 - 12%, and what date is 60 days after 2026-03-01?",
        TEXTS / "handbook.md",
    ),
]


def main() -> int:
    """Ask the questions; return the first exit code that is not 0."""
    code = 0
    for question, text in QUESTIONS:
        shown = text.relative_to(Path.cwd()) if text.is_relative_to(Path.cwd()) else text
        print(f'\n$ agentsdk ask "{question}" --ref {shown} --model offline:extract\n', flush=True)
        code = run(["ask", question, "--ref", str(shown), "--model", "offline:extract"]) or code
        sys.stdout.flush()
    print()
    print(_("offline:extract quotes and calculates; it is no language model. For a real one, add:"))
    print(
        _("  --model openai:gpt-4o-mini (OPENAI_API_KEY), --model dashscope:qwen-plus (DASHSCOPE_API_KEY), or")
        + " --model ollama:llama3.1"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
