"""Every example, every code block of the READMEs and the docs, run as it stands."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentsdk.testing.standin import Standin
from tests.models import tiny_gguf

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(p.name for p in (ROOT / "examples").glob("*.py"))
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    *(p for p in sorted((ROOT / "docs").rglob("*.md")) if not {"changelog.d", "decisions"} & set(p.parts)),
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for at, (found, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            if found == kind:
                yield f"{page.relative_to(ROOT)}:{at}", text


def commands() -> Iterator[tuple[str, str]]:
    for name, text in blocks(""):
        for line in text.splitlines():
            command = line.split("  #")[0].strip()
            if command.startswith("agentsdk ") and "FILE" not in command:
                yield f"{name} {command[:60]}", command


def environment() -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    return env | {"AGENTSDK_LANG": "en", "PYTHONUTF8": "1", "OLLAMA_HOST": "127.0.0.1:9"}


@pytest.fixture(scope="session")
def tiny_gguf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


def run(arguments: list[str], **environ: str) -> str:
    ran = subprocess.run(
        arguments, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, env=environment() | environ, check=False, timeout=120
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name: str) -> None:
    if name.startswith("test_"):
        assert "3 passed" in run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"examples/{name}"]
        )
        return
    assert run([sys.executable, f"examples/{name}"]).strip()


def test_the_demo_shows_plan_citations_and_how_to_go_on() -> None:
    shown = run([sys.executable, "-m", "examples.demo"])
    assert shown.count("$ agentsdk ask") == 3
    assert "examples/texts/handbook.md, line 44" in shown
    assert "读者证有效期为三年" in shown
    assert "每册每天收取 0.2 元滞纳金" in shown
    assert "没有提到" not in shown
    assert "2085.6" in shown
    assert "2026-04-30" in shown
    assert shown.strip().splitlines()[-1].endswith("ollama:llama3.1")


@pytest.mark.parametrize(("name", "code"), list(blocks("python")), ids=[n for n, _c in blocks("python")])
def test_the_python_block_runs(name: str, code: str, tmp_path: Path, tiny_gguf_file: Path) -> None:
    file = tmp_path / "block.py"
    file.write_text(code.replace("/path/to/model.gguf", tiny_gguf_file.as_posix()), encoding="utf-8")
    with Standin() as server:
        if "def rate" in code:
            server.call("rate", base="USD", quote="EUR")
        if "think(" in code:
            server.say("391, and 2026-02-23.")
        server.say("It is 92 euros.")
        run(
            [sys.executable, str(file)],
            OPENAI_BASE_URL=server.url("openai"),
            DASHSCOPE_BASE_URL=server.url("dashscope"),
            DASHSCOPE_API_KEY="none",
            OLLAMA_HOST=server.url("ollama"),
        )


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[n for n, _c in commands()])
def test_the_command_runs(name: str, command: str) -> None:
    _program, *arguments = shlex.split(command)
    assert run([sys.executable, "-m", "agentsdk", *arguments]).strip()


def test_the_project_tables_of_the_docs_are_toml() -> None:
    import tomllib

    for _name, text in blocks("toml"):
        assert tomllib.loads(text)
