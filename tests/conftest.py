"""Opts into the project's own plugin: cassettes, and no network."""

from importlib.util import find_spec

from hypothesis import HealthCheck, settings

pytest_plugins = ["agentsdk.testing.plugin"]

# They run in an environment of their own: `make conformance`.
collect_ignore = [] if find_spec("langchain_tests") else ["conformance/langchain"]

# How long an example takes says how busy the machine is: speed is held by tests/bench.
settings.register_profile("agentsdk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agentsdk")
