"""Trains a last layer on labelled frames of one video: from a table to a card with weights."""

import json
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stream.cards import Card
from stream.errors import UnknownPart
from stream.intervals import wilson
from stream.training import features, frames, plots, recipes, transfer
from stream.training.frames import HEADS, Head
from stream.training.probe import choose, still
from stream.training.probe.linear import Probe, probe
from stream.training.probe.trunk import LAST, Trunk
from stream.types import Array

VIEWS = 4
"""Count: how often each frame is shown to a head, as it is and a little changed."""

PULL = "no model of appearance is here, and one of motion tells little of who shows; to get one: stream-models pull {}"
"""Advice where nothing but `gestures-a0` and the like can be begun with."""

UNJUDGED = "one labelled frame of each label: nothing could be held out, so nothing is known of how good it is"
"""What is said instead of a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to learn from, and what to make of it."""

    table: Path
    """CSV with the header `frame,label`."""
    video: Path
    """The video whose frames are meant."""
    begin: str = choose.AUTO
    """Name or path of the card whose network it is; auto takes the one whose linear probe is best."""
    out: Path
    """The card to write; the weights lie beside it."""
    run: Path
    """Folder of the run."""
    command: str
    """What was typed, for the card."""
    head: str = "linear"
    """One of `frames.HEADS`."""
    seed: int = 1
    """Decides the order in which frames are learned."""
    is_forced: bool = False
    """Replace a model of that name."""


def train(order: Order, say: choose.Say = lambda _line: None) -> Card:
    """Choose a network, learn a head, export, compare with PyTorch, and write the card; return it.

    Raises:
        UsageError: the table or the video is not as it must be, or there is a model already.
        ParityError: the exported model does not agree with the trained one.
    """
    if order.head not in HEADS:
        raise UnknownPart("head", order.head, HEADS)
    recipes.check_free(order.out, is_forced=order.is_forced)
    begun_s, told = time.monotonic(), frames.read(order.table)
    base, probes = _choose(order, told, say)
    card = frames.card_of(base, order.out.stem, tuple(sorted(set(told.values()))))
    net = recipes.start(card, order.seed).eval()
    transfer.begin(net, card, base)
    still.fold(net)
    seen = _features(order, base, list(told), HEADS[order.head][0], VIEWS)
    truth = np.array([card.labels.index(told[index]) for index in seen], np.int64)
    head = frames.learn(net, order.head, np.stack(list(seen.values())), truth, len(card.labels), order.seed)
    net.load_state_dict(head.layers, strict=False)
    order.run.mkdir(parents=True, exist_ok=True)
    if count := head.counts.sum():
        title = f"{card.name}: {100 * head.counts.trace() / count:.1f} % of {count} frames held out"
        plots.confusion(head.counts, card.labels, title, order.run / "confusion.png")
    story = _story(order, base, len(seen), (time.monotonic() - begun_s) / 3600)
    story |= {"steps": head.steps, "probes": [found.story() for found in probes]}
    (order.run / "settings.json").write_text(json.dumps(story, indent=1) + "\n", "utf-8")
    return recipes.write(net, _told(card, head, story), order.out)


def _choose(order: Order, told: dict[int, str], say: choose.Say) -> tuple[Card, list[Probe]]:
    """Probe the card that is asked for, or each that is here, on the labelled frames; return the better one."""
    found = list[tuple[Card, Probe]]()
    labels = list(told.values())
    stretches = [str(place) for place in frames.stretches(np.unique(labels, return_inverse=True)[1])]
    for card in choose.asked(order.begin):
        rows = _features(order, card, list(told), LAST, 1)
        found.append((card, probe(card.name, np.stack([row[0] for row in rows.values()]), labels, stretches)))
        say(str(found[-1][1]).replace("clips of", "frames, of").replace("recordings", "stretches of time"))
    found.sort(key=lambda pair: -pair[1].right.value)
    if order.begin == choose.AUTO:
        say(f"--from auto takes {found[0][0].name}")
    if all(choose.is_of_motion(card) for card, _ in found):
        say(PULL.format(choose.APPEARANCE))
    return found[0][0], [pair[1] for pair in found]


def _features(order: Order, card: Card, wanted: list[int], layer: str, views: int) -> dict[int, Array]:
    trunk = Trunk(card, is_still=True)
    return features.of_frames(trunk, order.video, wanted, layer=layer, views=views, seed=order.seed)


def _told(card: Card, head: Head, story: dict[str, Any]) -> Card:
    right, count = int(head.counts.trace()), int(head.counts.sum())
    if not count:
        return replace(card, measured={"held_out": {"frames": 0, "note": UNJUDGED}}, training=story)
    low, high = wilson(right, count)
    figures = {
        "frames": count,
        "accuracy": round(right / count, 4),
        "interval_95": [round(low, 4), round(high, 4)],
        "note": f"each label's frames cut into {frames.FOLDS} stretches of time, each judged by a head that learned "
        "from the others for as many steps as were best for all of them; all of one video, so expect less on another; "
        "neighbouring frames are alike, so the interval is too narrow" + _lone(card, head),
    }
    return replace(card, measured={"held_out": figures}, training=story)


def _lone(card: Card, head: Head) -> str:
    lone = [label for label, row in zip(card.labels, head.counts, strict=True) if not row.any()]
    return f"; of one frame each, so not judged: {', '.join(lone)}" if lone else ""


def _story(order: Order, base: Card, count: int, hours: float) -> dict[str, Any]:
    return {
        "command": order.command,
        "hours": round(hours, 4),
        "machine": f"{platform.machine()}, torch {torch.__version__}",
        "data": f"{count} labelled frames of {order.video.name}",
        "begins_with": f"{base.name}, SHA-256 {base.sha256}; frozen but for {', '.join(HEADS[order.head])}",
        "seed": order.seed,
    }
