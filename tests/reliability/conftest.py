"""Servers under fault, and what they are measured by."""

from pathlib import Path

import pytest

from tests.server import live


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))
