"""The direction of imports, read from the source."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each may import what stands before it, and its own line. docs/architecture.md says why.
LAYERS = [
    {"i18n"},
    {"errors"},
    {"media"},
    {"messages"},
    {"step", "shown", "steps", "written", "plan", "drawing", "evidence", "budget", "memory"},
    {"prices"},
    {"arithmetic"},
    {"waiting"},
    {"answer"},
    {"events"},
    {"store"},
    {"feed", "trace"},
    {"function_tool"},
    {"approval"},
    {"models.model"},
    {"telemetry"},
    {
        "_bridge",
        "prompts",
        "models",
        "embeddings",
        "references",
        "toolbox",
        "fetch",
        "checks",
        "instructions",
        "examples",
        "intents",
        "sessions",
    },
    {"planner"},
    {"agent"},
    {""},  # agentsdk/__init__.py
    {"evals", "testing"},
    {"cli"},
    {"__main__"},
]


def layer(module: str) -> int:
    """Return the place of a module, `agentsdk.` taken off."""
    names = [module, module.partition(".")[0]]
    return next(at for name in names for at, group in enumerate(LAYERS) if name in group)


def modules(package: Path, prefix: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        name = ".".join(p for p in parts if p != "__init__")
        yield f"{prefix}.{name}".rstrip("."), ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


OURS = {name: set(imports(tree)) for name, tree in modules(ROOT / "agentsdk", "agentsdk")}
TOOLS = {
    name: set(imports(tree)) for name, tree in modules(ROOT / "tools" / "agentsdk_tools", "agentsdk_tools")
}


@pytest.mark.parametrize("name", sorted(OURS))
def test_imports_point_one_way(name: str) -> None:
    here = layer(name.removeprefix("agentsdk").lstrip("."))
    wrong = [
        found
        for found in OURS[name]
        if found in OURS and layer(found.removeprefix("agentsdk").lstrip(".")) > here and found != "agentsdk"
    ]
    assert wrong == []


def test_only_the_graph_knows_langgraph() -> None:
    assert [n for n, found in OURS.items() if any(f.startswith("langgraph") for f in found)] == [
        "agentsdk.planner.graph"
    ]


def test_only_the_bridge_and_the_faces_know_langchain() -> None:
    knowing = [n for n, found in OURS.items() if any(f.startswith("langchain") for f in found)]
    assert [n for n in knowing if not n.startswith("agentsdk.models.chat.")] == ["agentsdk.models.langchain"]


def test_agentsdk_never_imports_its_tools() -> None:
    assert [n for n, found in OURS.items() if any(f.startswith("agentsdk_tools") for f in found)] == []


def test_tools_use_the_public_api_alone() -> None:
    private = [
        (name, found)
        for name, all_ in TOOLS.items()
        for found in all_
        if found.startswith("agentsdk.")
        and any(part.startswith("_") and part != "_" for part in found.split("."))
    ]
    assert private == []


def test_pytest_is_known_to_the_plugin_alone() -> None:
    assert [n for n, found in OURS.items() if "pytest" in found] == ["agentsdk.testing.plugin"]
