"""Kills a run at random moments, resumes it, and compares it with one that nobody disturbed."""
