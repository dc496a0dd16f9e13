"""What computes it: one file an engine."""
