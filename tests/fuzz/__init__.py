"""Feeds the readers of what models and servers write with a million inputs: see `python -m tests.fuzz --help`."""
