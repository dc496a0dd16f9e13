"""What many tests share."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from stream.runtimes import _fused_library
from tests import clips

# A runner in the background ignores Ctrl-C, and so would the programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# `make sanitize` brings a library of its own.
_fused_library.LIBRARY = Path(os.environ.get("FUSED_LIBRARY", _fused_library.LIBRARY))

settings.register_profile("patient", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("patient")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of H.264, 160x120, 10 fps: a moving square."""
    return clips.write(tmp_path_factory.mktemp("clips") / "square.mp4")


@pytest.fixture
def say(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], None]]:
    """Print a figure whatever pytest does with what tests print: a case's figure is its result."""

    def figure(words: str) -> None:
        with capsys.disabled():
            print(f"\n  {request.node.name}: {words}")  # noqa: T201
        request.node.user_properties.append(("figure", words))

    yield figure


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of pulled and imported models of this test alone; nothing is in it."""
    monkeypatch.setenv("STREAM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
