"""Measures what the package does: the same code as anywhere, side by side with others in one run."""
