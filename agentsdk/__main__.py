"""`python -m agentsdk` is the `agentsdk` command."""

from agentsdk.cli import main

main()
