"""Streaming action recognition on the device."""
