"""Configured sources: each kept open and stepped once, whoever watches; and who does."""
