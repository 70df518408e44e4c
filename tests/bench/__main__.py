"""Runs every benchmark: `python -m tests.bench`."""

from tests.bench import adapters, imports, retrieval

if __name__ == "__main__":
    imports.main()
    retrieval.main()
    adapters.main()
