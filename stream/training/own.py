"""Trains on somebody's own clips: from a data set to a card with weights, and a folder that tells how it went."""

import json
import math
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stream import cards
from stream.cards import Card
from stream.errors import UsageError
from stream.training import datasets, fit, mirror, plots, recipes, record, splits, transfer
from stream.training.balance import balance
from stream.training.clips import Clips
from stream.training.mixing import Mixer, MixSettings
from stream.training.probe import choose
from stream.training.runfolder import LOG
from stream.training.seen import SPLIT
from stream.training.splits import Split
from stream.training.stopping import Stopped
from stream.training.streams import FitSettings
from stream.training.validation import Judge
from stream.words import of_file

FAR = 0.1
"""Share by which what is held out may miss what was asked for without a word."""
OVERSAMPLING = 2
"""Training clips are kept at this many times the model's rate, so that speed and phase can change."""

PROBES = "probes.json"
"""In the run's folder: what the linear probes found, and what it begins with."""

Probes = list[dict[str, Any]]
"""What each linear probe found; see `linear.Probe.story`."""

FRESH = Card(
    name="fresh",
    architecture="movinet",
    variant="a0",
    side_px=112,
    fps=10.0,
    labels=(),
    memory_s=2.0,
)
"""What a model is that begins with no other, unless asked otherwise."""

Say = Callable[[str], None]
"""Takes a line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to learn from, and what to make of it."""

    data: Path
    """A data set; see `stream.training.datasets`."""
    out: Path
    """The card to write; the weights lie beside it."""
    run: Path
    """Folder of the run: log, plots, split, checkpoints."""
    command: str
    """What was typed, for the card."""
    begin: str | None = None
    """Card whose weights it begins with; auto is the one here whose linear probe is best; None begins afresh."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Fields of the card that are not those of `begin`, or of `FRESH`."""
    videos: Path | None = None
    """Folder in which a table's videos are looked for."""
    share: float = 0.2
    """Of every class, to be judged by; in [0, 1)."""
    group_by: str | None = None
    """Regular expression on the path whose first group is the recording."""
    how: str = "auto"
    """auto or random; see `splits.split`."""
    is_lenient: bool = False
    """Leave out missing and unreadable videos."""
    epochs: int = 40
    """Count: how often each clip is seen."""
    frozen: int = 0
    """Count: epochs during which the classifier alone is learned."""
    patience: int = 10
    """Count: epochs without a lower validation loss after which it ends; 0 goes on to the end."""
    length_s: float = 4.0
    """Seconds of a stream."""
    settings: FitSettings = field(default_factory=FitSettings)
    """The rest of how; its counts of streams and batches are filled in."""
    mix: MixSettings = field(default_factory=MixSettings)
    """How clips become streams."""
    memory_bytes: int = 1 << 30
    """Bytes of decoded frames that stay in memory."""
    device: str = "cpu"
    """cpu or cuda."""
    is_resumed: bool = False
    """Go on from the run's checkpoint."""
    is_forced: bool = False
    """Begin anew where another run, or its card, is."""


def train(order: Order, say: Say) -> Card:
    """Learn, keep the best by validation, export, compare with PyTorch, and write the card; return it.

    Raises:
        UsageError: the data, the split or the folder is not as it must be; says what is accepted.
        ModelError: the checkpoint is of other settings, or the card to begin with cannot be read.
        ParityError: the exported model does not agree with the trained one.
        KeyboardInterrupt: Ctrl-C; the run can be resumed, and the best so far has a card, if a batch was learned.
    """
    recipes.check_place(order.run, order.out, is_resumed=order.is_resumed, is_forced=order.is_forced)
    if order.begin not in (None, choose.AUTO):
        cards.load(str(order.begin))  # said before the data is read, and before anything is written
    split = _split(order)
    say(f"{len(split.train)} clips to learn from, {len(split.validation)} to be judged by; split {split.how}")
    held = len(split.validation) / (len(split.train) + len(split.validation))
    if abs(held - order.share) > FAR:
        say(f"that holds out {held:.0%}, not {order.share:.0%}: recordings are whole, and every class is on both sides")
    order, probes = _probed(order, split, say)
    card = _card(order, datasets.labels(split.train))
    clips = {side: _decode(order, card, split, side, say) for side in ("train", "validation")}
    try:
        return _learn(order, card, split, probes, clips["train"], clips["validation"], say)
    finally:
        clips["train"].close()


def find_device(asked: str) -> str:
    """Return cpu or cuda; `auto` is a GPU where PyTorch finds one.

    Raises:
        UsageError: cuda is asked for and there is none.
    """
    is_there = torch.cuda.is_available()
    if asked == "cuda" and not is_there:
        raise UsageError("--device is cuda, and PyTorch finds none; accepted: auto, cpu")
    return "cuda" if is_there and asked != "cpu" else "cpu"


def _split(order: Order) -> Split:
    samples = datasets.read(order.data, order.videos, is_lenient=order.is_lenient)
    root = order.data if order.data.is_dir() else order.videos or order.data.parent
    found = splits.split(samples, root, order.share, group_by=order.group_by, how=order.how, seed=order.settings.seed)
    order.run.mkdir(parents=True, exist_ok=True)
    path, story = order.run / SPLIT, record.text(found.story())
    if order.is_resumed and path.exists() and path.read_text("utf-8") != story:
        raise UsageError(
            f"{order.data}, or how it is split, is no longer what {path} says: what was learned from would judge; "
            "accepted: the same data and flags, or another --out"
        )
    path.write_text(story, "utf-8")
    return found


def _probed(order: Order, split: Split, say: Say) -> tuple[Order, Probes]:
    """Say how well the cards to begin with tell the clips to learn from; return the order with the better one.

    The clips held out are not looked at, and a resumed run keeps what it was begun with.
    """
    path = order.run / PROBES
    if not order.begin:
        return order, []
    if order.is_resumed and path.is_file():
        told = json.loads(path.read_text("utf-8"))
        return replace(order, begin=told["begins_with"]), told["probes"]
    found = choose.choose(order.begin, split.train, say, is_lenient=order.is_lenient, seed=order.settings.seed)
    begin = found.card.name if order.begin == choose.AUTO else order.begin
    told = {"begins_with": begin, "probes": found.story()}
    path.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return replace(order, begin=begin), found.story()


def _card(order: Order, labels: tuple[str, ...]) -> Card:
    """Say what the model will be: as the card it begins with, or as `FRESH`, but for labels and what was asked for."""
    base = cards.load(order.begin) if order.begin else FRESH
    is_same = base.labels == labels
    changes: dict[str, Any] = {
        "name": order.out.stem,
        "labels": labels,
        "output": "softmax",
        "mirror_pairs": base.mirror_pairs if is_same and base.mirror_pairs else mirror.pairs(labels),
        "licence": "",
        "source": "made with stream-train" + (f" from {base.name}" if order.begin else ""),
    }
    nothing: dict[str, Any] = {"weights": "", "sha256": "", "measured": {}, "training": {}}
    background = tuple(label for label in base.background if label in labels)
    # what else a card says of its labels, their thresholds and sets, is of those it was chosen for
    usual: dict[str, Any] = {} if is_same else cards.OF_LABELS | {"background": background}
    card = replace(base, **nothing, **(usual | changes | order.changes))
    return card if order.begin else replace(card, trained_frames=math.prod(_frames(card, order.length_s)))


def _frames(card: Card, length_s: float) -> tuple[int, int]:
    """Return how many frames are learned at once, at most as many as is usual, and how many such parts a stream has."""
    count = max(1, round(length_s * card.fps))
    parts = math.ceil(count / FitSettings().frames)
    return math.ceil(count / parts), parts


def _decode(order: Order, card: Card, split: Split, side: str, say: Say) -> Clips:
    is_train = side == "train"
    found = Clips(
        split.train if is_train else split.validation,
        card,
        card.fps * (OVERSAMPLING if is_train else 1),
        memory_bytes=order.memory_bytes * 3 // 4 if is_train else order.memory_bytes // 4,
        folder=order.run / "clips" if is_train else None,
        is_lenient=order.is_lenient,
        what=f"decoding to {'learn from' if is_train else 'be judged by'}",
    )
    if found.faults:
        say(f"left out: {len(found.faults)} that cannot be read, the first: {found.faults[0]}")
    if is_train and (lost := set(card.labels) - set(datasets.labels(found.samples))):
        raise UsageError(f"no clip of {min(lost)!r} can be read; accepted: one or more of each class")
    return found


def _learn(order: Order, card: Card, split: Split, probes: Probes, train: Clips, held: Clips, say: Say) -> Card:
    """Train, and write the card; one of what was learned so far where Ctrl-C ended it."""
    net = _begin(order, card, say)
    if lone := [label for label, swap in zip(card.labels, mirror.swaps(card), strict=True) if swap < 0]:
        say(f"never mirrored, for want of a partner: {', '.join(lone)}")
    settings = _settings(order, card, len(train))
    judge = Judge(held, card) if len(held) else None
    weights = splits.balanced(splits.counts(train.samples, card.labels))
    make = Mixer(train, card, order.mix).stream
    record.begin(order.run, order.command, card, settings, order.mix, is_resumed=order.is_resumed)
    torch.set_num_threads(settings.threads)
    stopped: Stopped | None = None
    try:
        course = fit.fit(
            net, card, make, settings, order.run, is_resumed=order.is_resumed, weights=weights, judge=judge
        )
    except Stopped as error:
        stopped, course = error, error.course
    say(ended := record.ended(course, settings, order.epochs, is_stopped=stopped is not None))
    net.to("cpu")
    plots.curve(order.run / LOG, order.run / "curve.png")
    found = judge(net) if judge else None
    if found:
        title = f"{card.name}: {100 * found.accuracy:.1f} % of {found.counts.sum()} validation clips"
        plots.confusion(found.counts, card.labels, title, order.run / "confusion.png")
        record.tabulate(order.run / record.HELD_OUT, held.samples, card, found)
    story = _story(order, split, settings, len(train)) | {"hours": round(course.hours, 3), "ended": ended}
    story |= {"probes": probes} if probes else {}
    measured = {"validation": record.figures(found, held.samples, settings)} if found else {}
    if found and (
        even := balance(card, found.probabilities, found.truth, [s.group or str(s.path) for s in held.samples])
    ):
        say(str(even))
        card = replace(card, label_thresholds=even.thresholds())
    card = replace(card, measured=measured, training=story)
    written = recipes.write(net, card, order.out)
    if stopped:
        raise stopped
    return written


def _begin(order: Order, card: Card, say: Say) -> nn.Module:
    """Build the network, with the weights it begins with, where it will be trained."""
    net = recipes.start(card, order.settings.seed)
    if order.begin:
        is_new = transfer.begin(net, card, cards.load(order.begin))
        say(f"begins with {order.begin}" + (", a new classifier for other labels" if is_new else ""))
    return net.to(order.device)


def _settings(order: Order, card: Card, count: int) -> FitSettings:
    """Turn seconds into frames, and epochs into streams and batches."""
    frames, parts = _frames(card, order.length_s)
    batch = min(order.settings.batch, count)
    an_epoch = max(1, round(count / batch))
    return replace(
        order.settings,
        batch=batch,
        frames=frames,
        parts=parts,
        streams=order.epochs * an_epoch * batch,
        threads=min(order.settings.threads, batch),
        judge_every=an_epoch,
        patience=order.patience,
        head_batches=order.frozen * an_epoch,
        easy_share=0.0,
    )


def _story(order: Order, split: Split, settings: FitSettings, count: int) -> dict[str, Any]:
    """Say how the weights were made."""
    told = split.story()
    return {
        "command": order.command,
        "machine": f"{order.device}, {settings.threads} threads, {platform.machine()}, torch {torch.__version__}",
        "data": f"{of_file(order.data.name)}: {count} clips to learn from",
        "run": of_file(order.run),
        "clips": told["counts"],
        "split": told["how"],
        "groups": {side: [of_file(name) for name in names] for side, names in told["groups"].items()},
        "begins_with": order.begin or "fresh weights",
        "seed": settings.seed,
        "settings": asdict(settings),
        "mix": asdict(order.mix),
    }
