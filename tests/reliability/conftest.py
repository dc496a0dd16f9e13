"""Servers under fault, and what they are measured by."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.server import live


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def say(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], None]]:
    """Print a figure whatever pytest does with what tests print: a case's figure is its result."""

    def figure(words: str) -> None:
        with capsys.disabled():
            print(f"\n  {request.node.name}: {words}")  # noqa: T201

    yield figure
