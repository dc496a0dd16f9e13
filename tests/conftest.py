"""What many tests share."""

import os
from pathlib import Path

import pytest

from tests import clips


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of H.264, 160x120, 10 fps: a moving square."""
    return clips.write(tmp_path_factory.mktemp("clips") / "square.mp4")


@pytest.fixture(scope="session")
def footage() -> Path:
    """The folder of real videos: `STREAM_FOOTAGE`, or `shared/data` beside the checkout."""
    folder = Path(os.environ.get("STREAM_FOOTAGE", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no footage: {folder} does not exist (set STREAM_FOOTAGE)")
    return folder
