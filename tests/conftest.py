"""Opts into the project's own plugin: cassettes, and no network."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["agentsdk.testing.plugin"]

# How long an example takes says how busy the machine is: speed is held by tests/bench.
settings.register_profile("agentsdk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agentsdk")
