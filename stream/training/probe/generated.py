"""What a network makes of generated gestures, kept in the cache: they remind a last layer of what it knew.

Making and stepping the streams takes half a minute on two cores; the next time they are read in a moment. A file is of
one network and one generator: other weights, or other code of the generator, have another name.
"""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stream import cache, play
from stream.play.gestures import IGNORE
from stream.play.motions import LABELS
from stream.training import gestures
from stream.training.bars import bar
from stream.training.probe.layer import Told
from stream.training.probe.trunk import Trunk

STREAMS, FRAMES, JUDGED = 100, 60, 25
"""Count: streams, frames of each, and how many of them, the last ones, are not learned from but judge."""

SEED = 5003
"""Of the streams; `stream-train gestures` and `stream-eval` use others."""

MOST_KEPT = 6
"""Count: files of features in the cache; the oldest goes."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Frames of generated streams, by the labels of `motions.LABELS`."""

    learned: Told
    """To learn from."""
    judged: Told
    """To judge by: of streams that are not learned from."""


def features(trunk: Trunk) -> Generated:
    """Return what a network makes of the streams: from the cache, or made and put there."""
    path = cache.home() / "features" / f"gestures-{_key(trunk)}.npz"
    if (kept := _read(path)) is None:
        kept = _make(trunk)
        _write(path, kept)
    told = [Told(kept[f"{side}_x"].astype(np.float32), kept[f"{side}_y"]) for side in ("learned", "judged")]
    return Generated(*told)


def _make(trunk: Trunk) -> dict[str, np.ndarray]:
    """Make the streams and step them, with a bar; frames of one stream are alike, so every second one is kept."""
    rows, truth = list[np.ndarray](), list[np.ndarray]()
    for number in bar(range(STREAMS), "generating streams of gestures, kept for the next time"):
        made = gestures.stream((SEED, number), FRAMES)
        rows.append(trunk.features([made.frames])[0])
        truth.append(np.where(np.arange(FRAMES) % 2, IGNORE, made.labels))
    split = STREAMS - JUDGED
    learned, judged = Told.of(rows[:split], truth[:split]), Told.of(rows[split:], truth[split:])
    return {
        "learned_x": learned.features.astype(np.float16),
        "learned_y": learned.labels,
        "judged_x": judged.features.astype(np.float16),
        "judged_y": judged.labels,
    }


def _key(trunk: Trunk) -> str:
    """Name the network and the generator's code."""
    found = hashlib.sha256(f"{trunk.card.sha256} {trunk.card.memory_s} {STREAMS} {FRAMES} {JUDGED} {SEED}".encode())
    for folder in (Path(play.__file__).parent, Path(gestures.__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            if "probe" not in path.parts:
                found.update(path.read_bytes())
    return found.hexdigest()[:24]


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """Read arrays, never code; None where there is no file, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as kept:
            found = {name: kept[name] for name in kept.files}
        is_whole = all(
            len(found[f"{side}_x"]) == len(found[f"{side}_y"]) and set(found[f"{side}_y"]) <= set(range(len(LABELS)))
            for side in ("learned", "judged")
        )
    except (OSError, ValueError, KeyError, EOFError):
        return None
    return found if is_whole else None


def _write(path: Path, kept: dict[str, np.ndarray]) -> None:
    """Keep them; a cache that cannot be written is no reason to end."""
    buffer = io.BytesIO()
    np.savez(buffer, **kept)  # type: ignore[arg-type]  # NumPy types the names as one with `allow_pickle`
    try:
        cache.write(path, buffer.getvalue())
        files = sorted(path.parent.glob("gestures-*.npz"), key=lambda file: file.stat().st_mtime)
        for stale in files[:-MOST_KEPT]:
            stale.unlink()
    except OSError:
        return
