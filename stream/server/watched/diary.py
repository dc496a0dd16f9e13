"""The last hour of one source, for people: its newest picture, what is on, which actions and states there were."""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stream.decode import encode_jpeg
from stream.errors import StreamError
from stream.server.news import Gap, News, Over, Used
from stream.server.standing import Standing
from stream.types import Frame, Label, LabelEvent, Phase

HOUR_S = 3600.0
MOST = 500
"""Count of actions, and of states, that are kept: the newest."""
SIDE_PX, QUALITY, EVERY_S = 480, 70, 1.0
"""Pictures for the page: pixels of the longer side, quality, and seconds for which one is good; encoded when asked."""


@dataclass(slots=True)
class Stretch:
    """Something that lasted, by the clock on the wall."""

    name: str
    begin_s: float
    end_s: float | None = None
    """None: it goes on."""
    probability: float | None = None

    def told(self) -> dict[str, Any]:
        """Return it as an object for JSON."""
        return {"name": self.name, "begin": self.begin_s, "end": self.end_s, "probability": self.probability}


class Diary:
    """What is remembered of one source; bounded, and any thread may call."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._actions, self._states = deque[Stretch](maxlen=MOST), deque[Stretch](maxlen=MOST)
        self._labels: tuple[Label, ...] = ()
        self._frame: Frame | None = None
        self._jpeg, self._made_s = b"", 0.0
        self._making = threading.Lock()

    def see(self, frame: Frame) -> None:
        """Remember the newest frame; it is not converted."""
        self._frame = frame

    def take(self, news: News) -> None:
        """Remember what was told."""
        now_s = time.time()
        with self._lock:
            match news:
                case Used():
                    self._labels = news.update.labels
                    self._note(news.update.events, now_s - news.update.offset_s)
                case Standing():
                    self._become(news.state.value, news.since_s)
                case Gap() | Over():
                    self._labels = ()
                    self._end_all(now_s)

    def told(self) -> dict[str, Any]:
        """Return the last hour as an object for JSON; times are seconds of the wall's clock."""
        since_s = time.time() - HOUR_S
        with self._lock:
            kept = ([one.told() for one in found if (one.end_s or since_s) >= since_s] for found in self._both())
            actions, states = kept
            labels = [{"name": label.name, "probability": round(label.probability, 3)} for label in self._labels]
        return {"labels": labels, "actions": actions, "states": states}

    def jpeg(self) -> bytes:
        """Return the newest picture, at most a second old where frames come; empty where there is none."""
        with self._making:  # whoever else asks meanwhile gets the same
            frame = self._frame
            if frame and time.monotonic() - self._made_s >= EVERY_S:
                try:
                    self._jpeg = encode_jpeg(frame.picture, QUALITY, SIDE_PX)
                except StreamError:
                    self._jpeg = b""
                self._made_s = time.monotonic()
            return self._jpeg

    def _both(self) -> tuple[deque[Stretch], deque[Stretch]]:
        return self._actions, self._states

    def _note(self, events: Iterable[LabelEvent], epoch_s: float) -> None:
        """Begin and end actions; `epoch_s` is when the source's first frame was."""
        for event in events:
            going = next((one for one in self._actions if one.name == event.label and one.end_s is None), None)
            if going is None:
                going = Stretch(event.label, epoch_s + event.begin_s)
                self._actions.append(going)
            going.probability = max(event.probability, going.probability or 0.0)
            if event.phase is Phase.END:
                going.end_s = epoch_s + event.offset_s

    def _end_all(self, now_s: float) -> None:
        for one in self._actions:
            one.end_s = one.end_s or now_s

    def _become(self, state: str, since_s: float) -> None:
        if self._states and self._states[-1].name == state:
            return
        if self._states:
            self._states[-1].end_s = since_s
        self._states.append(Stretch(state, since_s))
