"""Frames that clients push: heard, waiting, answered, and gone on with elsewhere."""
