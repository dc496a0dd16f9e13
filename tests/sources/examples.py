"""One example for each source: a line per part, a context that gives a URI to read from."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests import clips
from tests.sources.network_camera import NetworkCamera


@contextmanager
def _rtsp(_folder: Path) -> Iterator[str]:
    with NetworkCamera() as camera:
        yield camera.uri


@contextmanager
def _camera(_folder: Path) -> Iterator[str]:
    pytest.skip("a camera needs hardware; test_camera.py covers what does not")
    yield ""


EXAMPLES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "camera": _camera,
    "file": lambda folder: nullcontext(str(clips.write(folder / "square.mp4"))),
    "rtsp": _rtsp,
    "synthetic": lambda _folder: nullcontext("synthetic://gestures?seconds=2"),
}
