import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from agentsdk.errors import AgentError, ConfigurationError, ToolError
from agentsdk_tools.files import files

ATTACKS = Path(__file__).parents[3] / "shared" / "attacks" / "own.jsonl"


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, Any]:
    root = tmp_path / "docs"
    (root / "sub").mkdir(parents=True)
    (root / "a.md").write_text("first\nsecond needle\n", encoding="utf-8")
    (root / "sub" / "中文.txt").write_bytes("第一行\n含有 Needle 的第二行\n".encode("gb18030"))
    (root / "picture.png").write_bytes(b"\x89PNG\0\0")
    (tmp_path / "secret.txt").write_text("secret needle", encoding="utf-8")
    if sys.platform != "win32":
        (root / "out.txt").symlink_to(tmp_path / "secret.txt")
        (root / "outdir").symlink_to(tmp_path)
        (root / "loop").symlink_to(root)
    return {t.name: t for t in files(str(root))}


def test_files_are_listed_read_and_searched(tools: dict[str, Any]) -> None:
    listed = tools["list_files"]()
    assert {x.rsplit(" ", 1)[0] for x in listed} == {"a.md", "picture.png", "sub/中文.txt"}
    passage = tools["read_file"]("sub/中文.txt")
    assert (passage.text, passage.source) == ("第一行\n含有 Needle 的第二行\n", "sub/中文.txt")
    assert tools["search_files"]("needle") == ["a.md:2: second needle", "sub/中文.txt:2: 含有 Needle 的第二行"]


def test_a_long_file_comes_in_parts_whose_offsets_hold(tools: dict[str, Any], tmp_path: Path) -> None:
    text = "".join(f"line {i}\n" for i in range(5000))
    (tmp_path / "docs" / "long.txt").write_text(text, encoding="utf-8")
    first = tools["read_file"]("long.txt")
    second = tools["read_file"]("long.txt", start=first.end)
    assert text.startswith(first.text + second.text)
    assert str(first.end) in first.heading
    assert second.line == text.count("\n", 0, second.start) + 1


@pytest.mark.parametrize(
    "path",
    ["../secret.txt", "sub/../../secret.txt", "/etc/passwd", "out.txt", "outdir/secret.txt", "loop/../../secret.txt",
     "..\\secret.txt", "C:\\Windows\\win.ini", "~/.ssh/id_rsa", "%2e%2e/secret.txt", "a.md\0.txt", "file:///etc/passwd", "x" * 5000],
)  # fmt: skip
def test_nothing_outside_is_read(tools: dict[str, Any], path: str) -> None:
    with pytest.raises(ToolError):
        tools["read_file"](path)
    assert "secret" not in str(tools["search_files"]("secret"))


@pytest.mark.skipif(not ATTACKS.exists(), reason="../shared/attacks is not beside this checkout")
def test_known_attacks_read_nothing(tools: dict[str, Any]) -> None:
    for line in ATTACKS.read_text(encoding="utf-8").splitlines():
        attack = json.loads(line)
        if attack["kind"] == "path_traversal" and attack["expect"] == "refused":
            with pytest.raises(AgentError):
                tools["read_file"](attack["text"])


def test_binary_data_is_told(tools: dict[str, Any]) -> None:
    with pytest.raises(AgentError, match="not a text file"):
        tools["read_file"]("picture.png")


def test_a_folder_that_is_not_there_is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no folder"):
        files(os.fspath(tmp_path / "nothing"))


@pytest.mark.parametrize("name", [".env", ".git/config", "aux.txt", "$(id).txt", "a`b", "sub/.hidden", "．env"])
def test_hidden_files_devices_and_names_of_a_shell_are_not_read(
    tools: dict[str, Any], tmp_path: Path, name: str
) -> None:
    file = tmp_path / "docs" / name
    if sys.platform != "win32":
        file.parent.mkdir(exist_ok=True)
        file.write_text("needle in it", encoding="utf-8")
    with pytest.raises(ToolError):
        tools["read_file"](name)
    assert "needle in it" not in str(tools["search_files"]("needle"))
    assert file.name not in str(tools["list_files"]())


@pytest.mark.parametrize("path", ["./a.md", "sub/../a.md", "sub//../a.md", "sub\\..\\a.md", "nothing/../a.md"])
def test_dots_that_stay_inside_are_read_and_the_source_has_one_name(tools: dict[str, Any], path: str) -> None:
    assert tools["read_file"](path).source == "a.md"


@pytest.mark.parametrize("name", ["...", "100%.md", "ünïcode.md", "a b.md"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows drops dots at the end of a name")
def test_odd_names_are_names(tools: dict[str, Any], tmp_path: Path, name: str) -> None:
    (tmp_path / "docs" / name).write_text("odd", encoding="utf-8")
    assert tools["read_file"](name).text == "odd"
    assert f"{name} (3)" in tools["list_files"]()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_second_name_of_a_file_outside_is_not_read(tools: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "docs" / "hard.txt").hardlink_to(tmp_path / "secret.txt")
    with pytest.raises(ToolError, match="not read"):
        tools["read_file"]("hard.txt")
    assert tools["search_files"]("secret") == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes in folders on Windows")
def test_a_pipe_is_no_file_and_blocks_nobody(tools: dict[str, Any], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "docs" / "pipe.txt")
    with pytest.raises(ToolError, match="no file"):
        tools["read_file"]("pipe.txt")
    assert "pipe" not in str(tools["list_files"]())


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_to_a_folder_inside_hides_nothing(tools: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "docs" / "again").symlink_to(tmp_path / "docs" / "sub")
    listed = str(tools["list_files"]())
    assert "sub/中文.txt" in listed
    assert "again" not in listed


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for side in ("left", "right"):
        (tmp_path / side / "docs").mkdir(parents=True)
        (tmp_path / side / "docs" / "a.md").write_text(side, encoding="utf-8")
    listing, read, search = files(str(tmp_path / "left" / "docs"), str(tmp_path / "right" / "docs"))
    assert listing() == ["docs/a.md (4)", "docs-2/a.md (5)"]
    assert [read("docs/a.md").text, read("docs-2/a.md").text] == ["left", "right"]
    assert search("right") == ["docs-2/a.md:1: right"]
    assert listing("docs-2") == ["docs-2/a.md (5)"]
    for path in ("a.md", "docs-3/a.md", "docs/../a.md", "docs"):
        with pytest.raises(ToolError):
            read(path)


@pytest.mark.parametrize("folder", ["nothing", "..", "a.md", "outdir", "loop"])
def test_a_folder_that_is_not_there_is_told(tools: dict[str, Any], folder: str) -> None:
    with pytest.raises(ToolError):
        tools["list_files"](folder)
    with pytest.raises(ToolError):
        tools["search_files"]("needle", folder)


def test_beyond_the_end_there_is_nothing(tools: dict[str, Any]) -> None:
    with pytest.raises(ToolError, match="characters"):
        tools["read_file"]("a.md", start=10**6)
