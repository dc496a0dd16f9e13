"""One model and one server for all tests that leave them as they found them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import live
from tests.server.live import Server


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def server(model: Path) -> Iterator[Server]:
    with live.running(model) as server:
        yield server
