"""What FFmpeg is asked to open, and how."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What FFmpeg is asked to open, and how."""

    uri: str
    """How people may know it: without a password."""
    url: str = field(repr=False)
    """FFmpeg's name for it."""
    format: str | None = None
    """FFmpeg's name of the container or device; None lets it look."""
    options: dict[str, str] = field(default_factory=dict)
    """FFmpeg's own options."""
    timeout_s: float = 10.0
    """Seconds without data after which it counts as lost."""
    cut: str = ""
    """How one can tell without reading it that it is cut short; blank where one cannot."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be shown."""
    is_live: bool = False
    """Its frames come at their own pace."""
    is_paced: bool = False
    """Its frames are held back until their time."""
    is_timeless: bool = False
    """Its pictures have no time of their own: that of their arrival is taken."""
    fps: float | None = None
    """Frames per second, whatever it claims; None: as it claims."""
    is_endless: bool = False
    """Its end is an error, unless it said how long it is and its frames are held back until then."""
    other_format: str | None = None
    """What to take it for instead, once, where FFmpeg finds that it is not of `format` after all."""
    check: Callable[[], None] | None = field(default=None, repr=False)
    """Looks at it before FFmpeg opens it, and raises what is wrong."""
