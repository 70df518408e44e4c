"""The house: what stands in the tree, what is public, and what is installed."""

import ast
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import agentsdk

ROOT = Path(__file__).parents[1]

TOP = {
    "pyproject.toml", "agentsdk", "tools", "examples", "tests", "cassettes", "docs", "README.md", "README.zh-CN.md",
    "LICENSE", "Makefile", ".ci", ".gitignore", ".gitattributes",
}  # fmt: skip

# The first release of each package without a known hole; docs/decisions/0002-dependencies.md names the advisories.
FLOORS = {
    "langchain-core": "1.3.3", "langchain-openai": "1.1.14", "langgraph": "1.0.10", "langgraph-checkpoint": "4.0.0",
    "langgraph-sdk": "0.3.15", "langsmith": "0.9.1", "vcrpy": "8.2.1", "aiohttp": "3.14.1", "urllib3": "2.7.0",
    "requests": "2.32.4", "idna": "3.18", "orjson": "3.11.7", "starlette": "1.3.1", "cryptography": "48.0.1",
    "pytest": "9.1.1", "pygments": "2.20.0", "h11": "0.16.0",
}  # fmt: skip


def number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:4])


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        return [p for p in ROOT.rglob("*.py") if ".venv" not in p.parts]
    return [ROOT / name for name in listed.stdout.split("\0") if name]


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_no_release_with_a_known_hole_is_installed_or_allowed(package: str) -> None:
    assert number(version(package)) >= number(FLOORS[package])
    files = [ROOT / ".ci" / name for name in ("constraints.txt", "conformance.txt")]
    constraints = "\n".join(f.read_text(encoding="utf-8") for f in files)
    for pinned in re.findall(rf"^{re.escape(package)}==(\S+)", constraints, re.MULTILINE):
        assert number(pinned) >= number(FLOORS[package])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    for line in wanted:
        if re.split(r"[\[><=]", line)[0] == package:
            lower = re.search(r">=([\d.]+)", line)
            assert lower
            assert number(lower[1]) >= number(FLOORS[package])


def test_every_dependency_has_a_lower_and_an_upper_end() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    open_ended = [w for w in wanted if not w.startswith("agentsdk[") and not re.search(r">=[\d.]+,<", w)]
    assert open_ended == []


def test_the_top_level_holds_what_it_should_and_nothing_else() -> None:
    assert {p.relative_to(ROOT).parts[0] for p in tracked()} <= TOP


def test_no_file_names_a_machine_or_a_registry() -> None:
    pattern = re.compile(
        "|".join(["/wor" + "k/", "/ro" + "ot/", "python" + "hosted", "registry." + "npmjs", "deb." + "debian"])
    )
    found = []
    for path in tracked():
        if path.suffix in (".md", ".py", ".toml", ".txt", ".yml", ".po", ".jsonl", "") and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.name}: {m[0]}" for m in pattern.finditer(text)]
    assert found == []


def test_no_pattern_repeats_a_group_possessively() -> None:
    # Python before 3.11.4 misreads `(?:...)*+`: such a pattern of ours matched nothing there. A lone `x*+` is right.
    group = re.compile(r"(?<![(\\])\)(?:[*+?]|\{+[\d,]+\}+)\+")
    files = [*(ROOT / "agentsdk").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]
    found = [f"{p.name}: {m[0]}" for p in files for m in group.finditer(p.read_text(encoding="utf-8"))]
    assert found == []


def test_the_public_names_are_those_documented_and_sorted() -> None:
    assert agentsdk.__all__ == sorted(agentsdk.__all__)
    assert len(agentsdk.__all__) == 15
    assert all(hasattr(agentsdk, name) for name in agentsdk.__all__)


def test_every_public_thing_says_what_it_is() -> None:
    silent = []
    for path in sorted([*(ROOT / "agentsdk").rglob("*.py"), *(ROOT / "tools").rglob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            silent.append(path.name)
        nodes = [
            (n, f"{path.name}:{n.name}")
            for n in tree.body
            if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        for node, name in list(nodes):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                nodes += [
                    (n, f"{name}.{n.name}")
                    for n in node.body
                    if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
                    and not any(isinstance(d, ast.Name) and d.id == "overload" for d in n.decorator_list)
                ]
        for node, name in nodes:
            overload = any(
                isinstance(d, ast.Name) and d.id == "overload" for d in getattr(node, "decorator_list", ())
            )
            command = path.parent.name == "cli" and path.stem == "commands"  # help= says it there
            if not node.name.startswith("_") and not overload and not command and not ast.get_docstring(node):
                silent.append(name)
    assert silent == []


def test_both_readmes_have_the_same_shape_and_the_same_code() -> None:
    english, chinese = ((ROOT / n).read_text(encoding="utf-8") for n in ("README.md", "README.zh-CN.md"))

    def shape(text: str) -> list[int]:
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        return [len(m[1]) for m in re.finditer(r"^(#+) ", outside, re.MULTILINE)]

    assert shape(english) == shape(chinese)
    assert len(re.findall(r"^```", english, re.MULTILINE)) == len(re.findall(r"^```", chinese, re.MULTILINE))


def test_each_english_page_of_the_docs_has_a_chinese_twin() -> None:
    docs = ROOT / "docs"
    pages = {p.relative_to(docs) for p in docs.rglob("*.md")}
    english = {p for p in pages if p.parts[0] not in ("zh", "changelog.d", "decisions")}
    chinese = {p.relative_to("zh") for p in pages if p.parts[0] == "zh"}
    assert english == chinese


def test_both_languages_have_the_same_headings_tables_and_code() -> None:
    for page in sorted((ROOT / "docs" / "zh").rglob("*.md")):
        chinese = page.read_text(encoding="utf-8")
        english = (ROOT / "docs" / page.relative_to(ROOT / "docs" / "zh")).read_text(encoding="utf-8")
        assert shape(english) == shape(chinese), page.name


def shape(text: str) -> list[str]:
    """Return the headings' levels, the tables' rows and the kinds of code, in their order."""
    return [m[0] for m in re.finditer(r"^(?:#+(?= )|\||```\w*)", text, re.MULTILINE)]


@pytest.mark.parametrize(
    "page",
    sorted([ROOT / "README.md", ROOT / "README.zh-CN.md", *(ROOT / "docs").rglob("*.md")]),
    ids=lambda p: p.name,
)
def test_no_link_of_the_docs_leads_nowhere(page: Path) -> None:
    links = re.findall(r"\]\(((?!https?:)[^)\s]+)", without_code(page))
    assert [link for link in links if not leads_somewhere(page, link)] == []


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def leads_somewhere(page: Path, link: str) -> bool:
    """Return whether there is such a file beside a page, and such a heading in it."""
    file, _hash, anchor = link.partition("#")
    target = page.parent / file if file else page
    if not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.+)$", without_code(target), re.MULTILINE) if target.exists() else []
    return anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}
