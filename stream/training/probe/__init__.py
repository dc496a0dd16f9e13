"""Frozen networks and what is learned on top of them."""
