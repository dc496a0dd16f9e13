"""A real small model for the commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import live
from tests.server.live import Server


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a card: a MoViNet-T0 at 32x32, with weights that answer to what they see."""
    return live.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def server(model: Path) -> Iterator[Server]:
    """A server that has loaded it."""
    with live.running(model) as server:
        yield server
