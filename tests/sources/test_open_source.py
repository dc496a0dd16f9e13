import subprocess
import sys
from pathlib import Path

import pytest

from stream import rooms
from stream.errors import UnknownPart
from stream.sources import open_source, scheme


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("clip.mp4", "file"),
        ("/videos/a b.mp4", "file"),
        (r"C:\videos\clip.mp4", "file"),
        ("C:/videos/clip.mp4", "file"),
        ("file:///videos/clip.mp4", "file"),
        ("camera://0", "camera"),
        ("rtsp://10.0.0.7/cam", "rtsp"),
        ("RTSP://10.0.0.7/cam", "rtsp"),
        ("rtsps://10.0.0.7/cam", "rtsp"),
        ("https://10.0.0.7/live.m3u8", "http"),
    ],
)
def test_the_scheme_names_the_part(uri: str, name: str) -> None:
    assert scheme(uri) == name


@pytest.mark.parametrize("uri", ["gopher://example.org/clip.mp4", "base://x", "_av://x", "s://x"])
def test_another_scheme_is_answered_with_those_there_are(uri: str) -> None:
    with pytest.raises(UnknownPart, match=f"no source named .*; known: {', '.join(rooms.names('sources'))}"):
        open_source(uri)


def test_options_reach_the_part(clip: Path) -> None:
    assert open_source(str(clip), realtime=True).is_live
    assert not open_source(str(clip)).is_live


def test_no_part_is_imported_until_it_is_asked_for() -> None:
    code = "import sys, stream.sources; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
