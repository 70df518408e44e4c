"""Tools for agents, on the public API of agentsdk alone: what stands here, a stranger could have written."""
