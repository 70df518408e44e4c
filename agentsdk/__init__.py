"""Agents that use tools, and a proof of what they did."""
