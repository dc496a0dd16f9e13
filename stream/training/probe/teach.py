"""Teaches a card somebody's own clips: its network stays as it is, the last layer is learned, in a minute.

Where the card knows the generated gestures, streams of them are mixed in, so that it keeps what it knew: the new card
has its labels and those of the clips. Every group of clips is held out once, so that before and after are of people,
rooms and days that were not learned from.
"""

import json
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from stream.cards import OF_LABELS, Card
from stream.play.gestures import IGNORE
from stream.play.motions import LABELS
from stream.training import datasets, mirror, recipes, splits
from stream.training.bars import bar
from stream.training.clips import Clip, Clips
from stream.training.datasets import Sample
from stream.training.mixing import Mixer, MixSettings, played
from stream.training.probe import choose, generated, layer, linear
from stream.training.probe.generated import Generated
from stream.training.probe.judging import Verdict, judge, measure
from stream.training.probe.layer import Layer, Told
from stream.training.probe.report import Report, figures, tabulate
from stream.training.probe.trunk import LAST, Trunk
from stream.types import Array

OVERSAMPLING = 2
"""Clips are kept at this many times the card's rate, so that speed and phase can change."""

STREAMS, ROUNDS, STREAM_S = 150, 8, 4.0
"""Count of streams made of the clips, but each clip has its turn at most `ROUNDS` times, and at least once; seconds of
each."""

FOLDS = 5
"""Count: parts that the groups are dealt to, each judged by a layer that learned from the others."""

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
    """Folder of the run: what was said of each clip, and the settings."""
    command: str
    """What was typed, for the card."""
    begin: str = choose.AUTO
    """Name or path of the card whose network it is; auto takes the one whose linear probe is best."""
    is_only: bool = False
    """The new card has the labels of the clips alone."""
    videos: Path | None = None
    """Folder in which a table's videos are looked for."""
    group_by: str | None = None
    """Regular expression on the path whose first group is the recording."""
    how: str = "auto"
    """auto or random; see `splits.grouped`."""
    is_lenient: bool = False
    """Leave out missing and unreadable videos."""
    seed: int = 1
    """Decides what is drawn."""
    threads: int = 2
    """Count: processor threads."""
    is_forced: bool = False
    """Replace a model of that name."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that a layer can learn from, as features of the frozen network."""

    card: Card
    """What the new model will be."""
    start: Layer
    """The layer it begins with."""
    samples: tuple[Sample, ...]
    """The clips."""
    plain: list[Array]
    """Features of each clip as it is, (T, C)."""
    mixed: dict[str, Told]
    """Group -> frames of streams made of its clips."""
    kept: Told | None
    """Frames of generated streams, where the card knows them."""

    @property
    def groups(self) -> list[str]:
        """The recording of each clip."""
        return [sample.group for sample in self.samples]

    def learn(self, without: Sequence[str], seed: int) -> Layer:
        """Learn a layer from all groups but some."""
        real = [told for group, told in self.mixed.items() if group not in without]
        joined = Told(np.concatenate([told.features for told in real]), np.concatenate([told.labels for told in real]))
        return layer.fit(self.start, [joined, *([self.kept] if self.kept else [])], seed)


def train(order: Order, say: Say) -> tuple[Card, Report]:
    """Choose a card, learn, judge, export, compare with PyTorch, and write the new card; return it and the report.

    Raises:
        UsageError: the data or the place is not as it must be; says what is accepted.
        ModelError: the card to begin with cannot be read.
        ParityError: the exported model does not agree with the trained one.
    """
    recipes.check_place(order.run, order.out, is_resumed=False, is_forced=order.is_forced)
    begun_s = time.monotonic()
    samples = datasets.read(order.data, order.videos, is_lenient=order.is_lenient)
    root = order.data if order.data.is_dir() else order.videos or order.data.parent
    samples = tuple(sample for sample in samples if sample.subset != "test")  # what a data set keeps to judge by
    samples = splits.grouped(samples, root, group_by=order.group_by, how=order.how)
    torch.set_num_threads(1)  # of one operation; several are computed side by side
    choice = choose.choose(order.begin, samples, say, is_lenient=order.is_lenient, seed=order.seed)
    trunk = Trunk(choice.card, order.threads)
    lesson, made = _prepare(order, trunk, samples)
    report, verdicts = _judge(trunk, lesson, made, order.seed)
    say("learning from all clips")
    final = lesson.learn((), order.seed)
    order.run.mkdir(parents=True, exist_ok=True)
    tabulate(order.run / "validation.csv", lesson.samples, verdicts)
    story = _story(order, choice, lesson, (time.monotonic() - begun_s) / 3600)
    (order.run / "settings.json").write_text(json.dumps(story, indent=1) + "\n", "utf-8")
    card = replace(lesson.card, training=story, measured={"held_out": figures(report)})
    return recipes.write(_net(card, trunk, final), card, order.out), report


def card_of(base: Card, name: str, found: Sequence[str], *, is_only: bool) -> Card:
    """Say what the new model is: the network of `base`, its labels and the clips', or the clips' alone.

    Labels that mean nothing of what somebody records (600 actions, say) are not kept: those of the generated gestures
    are, since their streams are learned along.
    """
    is_kept = choose.is_of_motion(base) and not is_only
    labels = (*base.labels, *(label for label in found if label not in base.labels)) if is_kept else tuple(found)
    quiet = dict.fromkeys((*base.background, *LABELS[:2]))  # no motion and other motion, whoever names them
    changes: dict[str, Any] = {} if is_kept else dict(OF_LABELS)
    changes |= {"background": tuple(label for label in quiet if label in labels), "mirror_pairs": mirror.pairs(labels)}
    return replace(
        base, name=name, labels=labels, output="softmax", weights="", sha256="", licence="", measured={}, training={},
        source=f"made with stream-train teach from {base.name}", **changes,
    )  # fmt: skip


def _prepare(order: Order, trunk: Trunk, samples: Sequence[Sample]) -> tuple[Lesson, Generated | None]:
    base = trunk.card
    clips = Clips(samples, base, base.fps * OVERSAMPLING, is_lenient=order.is_lenient, what="decoding to learn from")
    card = card_of(base, order.out.stem, datasets.labels(clips.samples), is_only=order.is_only)
    made = generated.features(trunk) if choose.is_of_motion(base) else None
    plain = trunk.features([played(clips[index], base.fps, 1.0) for index in range(len(clips))])
    kept = _renamed(made.learned, LABELS, card.labels) if made else None
    return Lesson(card, _start(trunk, card), clips.samples, plain, _mixed(trunk, card, clips, order.seed), kept), made


def _start(trunk: Trunk, card: Card) -> Layer:
    known = trunk.card.labels
    return trunk.layer().rows([known.index(label) if label in known else -1 for label in card.labels])


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the clips."""

    whole: Clips
    places: list[int]

    @property
    def samples(self) -> tuple[Sample, ...]:
        return tuple(self.whole.samples[place] for place in self.places)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> Clip:
        return self.whole[self.places[index]]


def _mixed(trunk: Trunk, card: Card, clips: Clips, seed: int) -> dict[str, Told]:
    """Make streams of each group's clips, cropped, lit, sped and mirrored, and step the network over them."""
    rounds = min(ROUNDS, max(1, round(STREAMS / len(clips))))
    frames, found = max(1, round(STREAM_S * card.fps)), dict[str, Told]()
    with closing(bar(range(rounds * len(clips)), "generating streams of your clips")) as steps:
        for number, group in enumerate(sorted({sample.group for sample in clips.samples})):
            part = _Part(clips, [place for place, sample in enumerate(clips.samples) if sample.group == group])
            mixer = Mixer(part, replace(card, lighten=0.0), MixSettings())  # the trunk lightens
            turns = zip(range(rounds * len(part)), steps, strict=False)
            made = [mixer.stream((seed, number, turn), frames) for turn, _ in turns]
            sparse = [np.where(np.arange(frames) % 2, IGNORE, one.labels) for one in made]  # neighbours are alike
            found[group] = Told.of(trunk.features([one.frames for one in made]), sparse)
    return found


def _renamed(told: Told, names: Sequence[str], labels: Sequence[str]) -> Told:
    """Number labels as a card has them; frames of labels that it has not are left out."""
    places = np.array([labels.index(name) if name in labels else -1 for name in names])
    return Told.of([told.features], [places[told.labels]])


def _judge(trunk: Trunk, lesson: Lesson, made: Generated | None, seed: int) -> tuple[Report, dict[int, Verdict]]:
    """Hold every group out once; return before and after, and what was said of each clip."""
    truth = np.array([lesson.card.labels.index(sample.label) for sample in lesson.samples], np.int64)
    folds = linear.dealt(lesson.groups, truth, seed, FOLDS)
    lone = linear.unlearnt(folds, truth)
    judged = [place for place in range(len(truth)) if truth[place] not in lone]
    is_known = len(set(lesson.groups)) > 1
    after, rates = dict[int, Verdict](), list[float]()
    for fold in bar(np.unique(folds[judged]).tolist(), "judging, by layers that learn from the other parts"):
        held = {lesson.samples[place].group for place in np.flatnonzero(folds == fold)} if is_known else set[str]()
        learned = lesson.learn(tuple(held), seed) if is_known else _fold_of_one(lesson, folds == fold, seed)
        rates += _shares(learned, made, lesson.card)
        for place in judged:
            if folds[place] == fold:
                after[place] = judge(lesson.card, learned, lesson.plain[place])
    labels = [lesson.samples[place].label for place in judged]
    groups = [lesson.groups[place] for place in judged]
    base = trunk.card
    before = [judge(base, trunk.layer(), lesson.plain[place]) for place in judged]
    report = Report(
        measure(before, labels, groups, lesson.card.background, seed),
        measure([after[place] for place in judged], labels, groups, lesson.card.background, seed),
        len(judged),
        len(set(groups)),
        tuple(lesson.card.labels[place] for place in lone),
        (_shares(trunk.layer(), made, base)[0], float(np.mean(rates))) if rates else None,
    )
    return report, after


def _fold_of_one(lesson: Lesson, held: npt.NDArray[np.bool_], seed: int) -> Layer:
    """Learn from the clips of the only recording but those held out: frames as they are, since streams mix clips."""
    rows = [lesson.plain[place] for place in np.flatnonzero(~held)]
    truth = [lesson.card.labels.index(lesson.samples[place].label) for place in np.flatnonzero(~held)]
    told = Told.of(
        [choose.late(row) for row in rows],
        [np.full(len(choose.late(row)), label) for row, label in zip(rows, truth, strict=True)],
    )
    return layer.fit(lesson.start, [told, *([lesson.kept] if lesson.kept else [])], seed)


def _shares(found: Layer, made: Generated | None, card: Card) -> list[float]:
    """Return the share of frames of generated streams that are right; none where a card has no label of theirs."""
    told = _renamed(made.judged, LABELS, card.labels) if made else None
    if told is None or not len(told.labels):
        return []
    return [float(((told.features @ found.weight.T + found.bias).argmax(1) == told.labels).mean())]


def _net(card: Card, trunk: Trunk, final: Layer) -> torch.nn.Module:
    """Build the network with the new last layer."""
    net = recipes.start(card, 0).eval()
    found = {name: value for name, value in trunk.net.state_dict().items() if not name.startswith(f"{LAST}.")}
    found[f"{LAST}.weight"] = torch.from_numpy(final.weight)[..., None, None]
    found[f"{LAST}.bias"] = torch.from_numpy(final.bias)
    net.load_state_dict(found)
    return net


def _story(order: Order, choice: choose.Choice, lesson: Lesson, hours: float) -> dict[str, Any]:
    return {
        "command": order.command,
        "hours": round(hours, 4),
        "machine": f"{order.threads} threads, {platform.machine()}, torch {torch.__version__}",
        "data": f"{order.data.name}: {len(lesson.samples)} clips of {len(set(lesson.groups))} recordings"
        + (f", and {generated.STREAMS - generated.JUDGED} generated streams" if lesson.kept else ""),
        "begins_with": f"{choice.card.name}, SHA-256 {choice.card.sha256}; frozen but for {LAST}",
        "probes": choice.story(),
        "seed": order.seed,
    }
