"""What a run on one's own clips writes down: how it was begun, how it ended, what it said of the clips held out."""

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from stream.cards import Card
from stream.errors import UsageError
from stream.intervals import bootstrap
from stream.training.datasets import Sample
from stream.training.mixing import MixSettings
from stream.training.stopping import Course
from stream.training.streams import FitSettings
from stream.training.validation import Judgement

SETTINGS, HELD_OUT = "settings.json", "validation.csv"
"""What the run was begun with; what was said of the clips held out."""

MODEL = ("variant", "side_px", "fps", "memory_s", "lighten", "background", "labels")
"""Fields of a card that decide what a run learns."""


def begin(folder: Path, command: str, card: Card, settings: FitSettings, mix: MixSettings, *, is_resumed: bool) -> None:
    """Write down what a run is begun with.

    Raises:
        UsageError: it is resumed and was begun with something else; names the first such thing. What `FitSettings` says
            is compared with the checkpoint's, where that is read.
    """
    model = {name: getattr(card, name) for name in MODEL}
    told = json.loads(json.dumps({"model": model, "mix": asdict(mix), "fit": asdict(settings), "command": command}))
    path = folder / SETTINGS
    if is_resumed and path.is_file():
        _compare(folder, json.loads(path.read_text("utf-8")), told)
    path.write_text(text(told), "utf-8")


def text(told: Any) -> str:
    """Return JSON for people, its letters as they are; escaped where a file's name is no UTF-8."""
    plain = json.dumps(told, indent=1, ensure_ascii=False)
    return (plain if _is_utf8(plain) else json.dumps(told, indent=1)) + "\n"


def _is_utf8(words: str) -> bool:
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _compare(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    for part in ("model", "mix"):
        for name, value in now[part].items():
            if (was := before.get(part, {}).get(name, value)) != value:
                raise UsageError(
                    f"{folder} was begun with another {name}: {was}, not {value}; accepted: what it was begun with, or "
                    "another --out"
                )


def ended(course: Course, settings: FitSettings, epochs: int, *, is_stopped: bool = False) -> str:
    """Say after which epoch a training ended, why, and whose weights are kept."""
    count = course.batches // settings.judge_every
    why = f"{'stopped by Ctrl-C' if is_stopped else 'ended'} after epoch {count} of {epochs}"
    if course.is_early:
        why = f"stopped after epoch {count} of {epochs}: no lower validation loss in the last {settings.patience}"
    if settings.keep == "best" and course.best_at:
        return f"{why}; kept: epoch {course.best_at // settings.judge_every}, validation loss {course.best:.3f}"
    return f"{why}; kept: the last weights"


def tabulate(path: Path, samples: Sequence[Sample], card: Card, found: Judgement) -> None:
    """Write what was said of every clip held out, as a table that `datasets.read` takes from anywhere.

    Names that are no UTF-8 stand in it byte by byte, as the file system has them.
    """
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "start", "end", "group", "said", "probability"))
        for sample, row in zip(samples, found.probabilities, strict=True):
            said = int(row.argmax())
            span = (sample.start_s, sample.end_s if math.isfinite(sample.end_s) else "")
            shown = (sample.path.resolve(), sample.label, *span, sample.group)
            writer.writerow((*shown, card.labels[said], f"{row[said]:.4f}"))


def figures(found: Judgement, samples: Sequence[Sample], settings: FitSettings) -> dict[str, Any]:
    """Say how many clips held out were right; the interval is drawn from their groups, as `stream-eval` draws it."""
    groups = [sample.group or str(sample.path) for sample in samples]
    right = found.probabilities.argmax(1) == found.truth
    [share] = bootstrap(lambda weights: np.array([weights @ right / max(weights.sum(), 1.0)]), groups)
    is_known = math.isfinite(share.low)
    return {
        "clips": int(found.counts.sum()),
        "accuracy": round(found.accuracy, 4),
        "interval_95": [round(share.low, 4), round(share.high, 4)] if is_known else [],
        "loss": round(found.loss, 4),
        "note": f"at each clip's last frame; {_groups(len(set(groups)), len(groups))}"
        + ("; the weights were chosen by this loss, so expect less elsewhere" if settings.keep == "best" else ""),
    }


def _groups(count: int, clips: int) -> str:
    if count < 2:
        return "of one recording, so nothing is known of others"
    return "the interval draws the clips anew" if count == clips else f"the interval draws {count} recordings anew"
