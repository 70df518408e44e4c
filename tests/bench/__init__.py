"""Figures, as ratios in one run: `make bench`. Not part of the tests."""
