"""A video as the frames a client sends: JPEGs at the model's rate and size, all made before anything is timed."""

from contextlib import closing

from stream.buffer import frames
from stream.cards import Card
from stream.decode import encode_jpeg
from stream.errors import UsageError
from stream.resampling import Resampler
from stream.server.client.parcels import long_side_px
from stream.sources import open_source

LONGEST = 300
"""Count of frames: a longer video is cut here, and shown again from its beginning."""


def film(uri: str, card: Card, fps: float, *, is_full: bool = False) -> tuple[bytes, ...]:
    """Read a video.

    Args:
        uri: what `stream-watch` takes, a file for example.
        card: the model; pictures are sent with their short side at its side, as `stream-watch --server` sends them.
        fps: frames per second to take of it.
        is_full: send them at the video's own size instead.

    Raises:
        SourceError: it cannot be read.
        UsageError: there is no frame in it.
    """
    made: list[bytes] = []
    clock = Resampler(fps)
    with open_source(uri) as source, closing(frames(source, "wait", lambda *_: None)) as stream:
        for frame in stream:
            if clock.takes(frame.offset_s):
                side_px = None if is_full else long_side_px(frame.picture, card.side_px)
                made.append(encode_jpeg(frame.picture, max_side_px=side_px))
            if len(made) == LONGEST:
                break
    if not made:
        raise UsageError(f"{uri}: there is no frame in it")
    return tuple(made)
