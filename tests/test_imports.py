"""`import agentsdk` stays light: what is heavy is imported when it is needed."""

import subprocess
import sys

HEAVY = ("langgraph", "langchain_core", "langchain_openai", "openai", "dashscope", "ollama", "httpx", "httpx2")
LATER = ("pydantic", "rich", "typer", "numpy", "ddgs", "sqlite3", "pytest", "vcr", "trafilatura", "pypdfium2")


def test_importing_agentsdk_imports_nothing_heavy() -> None:
    code = "import sys, agentsdk; print('\\n'.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(HEAVY + LATER) & set(ran.stdout.split()) == set()


def test_the_embedded_model_needs_no_providers_library() -> None:
    code = (
        "import sys; from agentsdk import Agent\n"
        "Agent('offline:extract').run('hello')\n"
        "print('\\n'.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"openai", "dashscope", "ollama", "langchain_openai"} & set(ran.stdout.split()) == set()


def test_a_chat_model_brings_in_its_own_providers_library_alone() -> None:
    code = (
        "import sys, agentsdk.models.chat; early = set(sys.modules)\n"
        "from agentsdk.models.chat import OpenAIChat\n"
        "print('\\n'.join(sorted({m.partition('.')[0] for m in early})), '|',"
        " '\\n'.join(sorted({m.partition('.')[0] for m in sys.modules})))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    early, late = ran.stdout.split("|")
    assert set(HEAVY) & set(early.split()) == set()
    assert {"dashscope", "ollama", "langgraph"} & set(late.split()) == set()
