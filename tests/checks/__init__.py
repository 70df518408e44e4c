"""Tests of what an answer is held against."""
