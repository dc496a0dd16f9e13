"""The models that are loaded. A client chooses among them; only the operator's configuration has more loaded."""

import logging
import threading
from collections.abc import Callable, Sequence

import numpy as np

from stream.errors import UnknownPart
from stream.recogniser import Recogniser

_log = logging.getLogger(__name__)


class Models:
    """Recognisers by the names of their cards, the first of which is the default."""

    def __init__(self, load: Callable[[str], Recogniser]) -> None:
        """Begin with none; `load` takes a name or the path of a card."""
        self._load, self._loaded = load, dict[str, Recogniser]()
        self._asked: dict[str, Recogniser] = {}
        self._lock = threading.Lock()

    @property
    def loaded(self) -> Sequence[Recogniser]:
        """Those there are, the default first."""
        return tuple(self._loaded.values())

    def find(self, name: str) -> Recogniser:
        """Return a loaded model by its card's name; the default for an empty one.

        Raises:
            UnknownPart: it is not loaded; lists those that are.
        """
        if not name and self._loaded:
            return self.loaded[0]
        if name not in self._loaded:
            raise UnknownPart("model", name, self._loaded)
        return self._loaded[name]

    def get(self, name: str) -> Recogniser:
        """Return a model by name or card, loaded if need be; takes seconds then, in the thread that calls.

        Raises:
            StreamError: it cannot be loaded, or steps no clip.
        """
        with self._lock:
            if not name:
                return self.find("")
            if name not in self._asked:
                self._asked[name] = self._warmed(name)
            return self._asked[name]

    def _warmed(self, name: str) -> Recogniser:
        """Load, and step once: what cannot run does not start."""
        model = self._load(name)
        for member in model.members:
            side_px = member.card.side_px
            member.step(np.zeros((1, 3, 1, side_px, side_px), np.float32), member.init_state())
        _log.info("%s: %s, %d labels, %g fps", model.card.name, model.runtime.name, len(model.labels), model.card.fps)
        self._loaded = {**self._loaded, model.card.name: model}
        return model
