"""Inputs that went wrong for people, with the right answers beside them; they lie beside the project, not in it."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "cases"


def case(name: str) -> Path:
    """Return the path of an input; skip the test where there is none."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"there is no {path}: the inputs lie beside the project")
    return path
