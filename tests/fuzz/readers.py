"""All readers, by name."""

from tests.fuzz import call_readers, text_readers, wire_readers
from tests.fuzz.reader import Reader

READERS: dict[str, Reader] = {
    reader.name: reader for reader in (*text_readers.READERS, *call_readers.READERS, *wire_readers.READERS)
}


def shares(inputs: int, names: list[str]) -> dict[str, int]:
    """Return how many of the inputs each reader gets."""
    whole = sum(READERS[name].share for name in names)
    return {name: max(inputs * READERS[name].share // whole, 1) for name in names}
