"""Opts into the project's own plugin: cassettes, and no network."""

pytest_plugins = ["agentsdk.testing.plugin"]
