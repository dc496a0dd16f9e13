"""What many tests share."""

import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests import clips

# A runner in the background ignores Ctrl-C, and so would the programs that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("patient", deadline=None)  # how long an example takes is the machine's affair
settings.load_profile("patient")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of H.264, 160x120, 10 fps: a moving square."""
    return clips.write(tmp_path_factory.mktemp("clips") / "square.mp4")
