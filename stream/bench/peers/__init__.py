"""Whom the engines are compared with: one file each, which needs an extra of its name."""
