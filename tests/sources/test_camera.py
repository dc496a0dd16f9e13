import pytest

from stream.errors import SourceError, UsageError
from stream.sources import open_source
from stream.sources.camera import media


@pytest.mark.parametrize(
    ("uri", "platform", "expected"),
    [
        ("camera:///dev/video2", "linux", ("v4l2", "/dev/video2", {})),
        ("camera://0", "linux", ("v4l2", "/dev/video0", {})),
        (
            "camera:///dev/video0?size=640x480&fps=30",
            "linux",
            ("v4l2", "/dev/video0", {"video_size": "640x480", "framerate": "30"}),
        ),
        ("camera://0", "darwin", ("avfoundation", "0:none", {})),
        (
            "camera://FaceTime%20HD%20Camera?fps=30",
            "darwin",
            ("avfoundation", "FaceTime HD Camera:none", {"framerate": "30"}),
        ),
        ("camera://Integrated%20Camera", "win32", ("dshow", "video=Integrated Camera", {})),
    ],
)
def test_the_uri_says_what_ffmpeg_opens(uri: str, platform: str, expected: tuple[str, str, dict[str, str]]) -> None:
    found = media(uri, platform)
    assert (found.format, found.url, found.options) == expected
    assert found.is_live
    assert found.is_endless


@pytest.mark.parametrize(
    ("uri", "platform", "words"),
    [
        ("camera://", "linux", "accepted: camera://0"),
        ("camera://0?colour=blue", "linux", "accepted: camera://0"),
        ("camera://0", "win32", "Windows knows cameras by name"),
    ],
)
def test_what_names_no_camera_is_answered_with_what_does(uri: str, platform: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        media(uri, platform)


def test_an_absent_camera_is_said_clearly() -> None:
    with pytest.raises(SourceError, match="cannot open camera:///dev/video97: "), open_source("camera:///dev/video97"):
        pass
