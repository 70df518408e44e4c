"""Runs every benchmark: `python -m tests.bench`."""

from tests.bench import adapters, imports, lint, retrieval

if __name__ == "__main__":
    imports.main()
    lint.main()
    retrieval.main()
    adapters.main()
