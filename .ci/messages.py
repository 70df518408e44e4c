"""Keeps the Chinese catalogue: `python .ci/messages.py` extracts, updates and compiles it; --check only looks.

The words of Typer and argparse are part of it: they are looked up in the same catalogue (speak_for_libraries).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from agentsdk.toolbox import available

ROOT = Path(__file__).parents[1]
PO = ROOT / "agentsdk" / "locale" / "zh" / "LC_MESSAGES" / "agentsdk.po"

TYPER = (
    "Arguments", "Options", "Commands", "Error", "Aborted.", "(deprecated) ", "[default: {}]", "[env var: {}]",
    "[required]", "No such command {name!r}.",
)  # fmt: skip
ARGPARSE = (
    "usage: ", "options", "show this help message and exit", "%(prog)s: error: %(message)s\n",
    "argument %(argument_name)s: %(message)s", "invalid choice: %(value)r (choose from %(choices)s)",
    "invalid %(type)s value: %(value)r", "expected one argument", "unrecognized arguments: %s",
)  # fmt: skip


def extracted() -> Catalog:
    """Return every message of the source."""
    found = Catalog(locale="zh", project="agentsdk", fuzzy=False)
    for folder in ("agentsdk", "tools/agentsdk_tools", "examples"):
        for name, line, message, _comments, _context in extract_from_dir(
            ROOT / folder, method_map=[("**.py", "python")], keywords={"_": None}
        ):
            if isinstance(message, str):
                found.add(message, locations=[(f"{folder}/{name}", 0 * line)])
    for message in (*TYPER, *ARGPARSE):
        found.add(message)
    # `agentsdk tools` shows the first line of what each registered tool says of itself.
    for made in available().values():
        found.add((made if isinstance(made, str) else made[0].description).splitlines()[0])
    return found


def current() -> Catalog:
    """Return the catalogue as it stands."""
    with PO.open("rb") as file:
        return read_po(file, locale="zh")


def compiled(catalogue: Catalog) -> bytes:
    """Return the catalogue as gettext reads it."""
    out = BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> int:
    """Update the catalogue and compile it; print what has no translation."""
    catalogue = current() if PO.exists() else Catalog(locale="zh")
    catalogue.update(extracted(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    # Fixed, so that a run that finds nothing new changes nothing.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    PO.parent.mkdir(parents=True, exist_ok=True)
    out = BytesIO()
    write_po(out, catalogue, sort_output=True, omit_header=False, no_location=True, width=100)
    PO.write_bytes(out.getvalue())
    PO.with_suffix(".mo").write_bytes(compiled(catalogue))
    missing = [m.id for m in catalogue if m.id and not m.string]
    for message in missing:
        print(message)
    return len(missing) > 0


if __name__ == "__main__":
    sys.exit(main())
