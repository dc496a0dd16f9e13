"""One example for each source: a line per part, a context that gives a URI to read from."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests import clips
from tests.sources import web_camera
from tests.sources.network_camera import NetworkCamera


@contextmanager
def _rtsp(_folder: Path) -> Iterator[str]:
    with NetworkCamera() as camera:
        yield camera.uri


@contextmanager
def _camera(_folder: Path) -> Iterator[str]:
    pytest.skip("a camera needs hardware; test_camera.py covers what does not")
    yield ""


@contextmanager
def _http(folder: Path) -> Iterator[str]:
    with web_camera.serving(clips.write(folder / "square.mp4"), folder) as (address, _):
        yield f"{address}/video"


def _images(folder: Path) -> AbstractContextManager[str]:
    for number, jpeg in enumerate(web_camera.pictures(clips.write(folder / "square.mp4"))):
        (folder / f"{number:03d}.jpg").write_bytes(jpeg)
    return nullcontext(f"images://{folder}?fps=10")


EXAMPLES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "camera": _camera,
    "file": lambda folder: nullcontext(str(clips.write(folder / "square.mp4"))),
    "http": _http,
    "images": _images,
    "rtsp": _rtsp,
    "synthetic": lambda _folder: nullcontext("synthetic://gestures?seconds=2"),
}
