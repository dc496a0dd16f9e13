"""Gestures that are made up: what `synthetic://` shows, the default model learns from, and the demo is judged by."""
