import subprocess
import sys
from pathlib import Path

import pytest

from stream import rooms
from stream.errors import StreamError, UnknownPart, UsageError
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


def test_what_everybody_types_is_answered_with_what_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shots").mkdir()
    (tmp_path / "shots" / "1.jpg").touch()
    monkeypatch.chdir(tmp_path)
    for uri, words in [
        ("0", "no such file: 0; did you mean camera://0"),
        ("-", "a pipe is not read; accepted: a file, or a source such as camera://0"),
        ("shots", f"is a folder; did you mean images://{tmp_path}/shots"),
    ]:
        with pytest.raises(StreamError, match=words):
            open_source(uri)
    with pytest.raises(UsageError, match="fps is 5; accepted: none, as a synthetic source has times of its own"):
        open_source("synthetic://gestures", fps=5.0)
    with pytest.raises(UsageError, match="fps is 0"):
        open_source("clip.mp4", fps=0.0)
    assert open_source(f"images://{tmp_path}/shots", fps=None).fps == 10
