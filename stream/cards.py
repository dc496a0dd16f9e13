"""Reads a model's card, `models/NAME.toml`, and finds the files it names: those that ship, and those in the cache."""

import hashlib
import math
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import tomli_w

from stream import cache, catalogue
from stream.config import USUAL, Thresholds
from stream.errors import ModelError, UnknownPart, UsageError
from stream.label_sets import REST, LabelSets

HERE = Path(__file__).parent
SHIPPED = next((d for d in (HERE / "models", HERE.parent / "models") if d.is_dir()), HERE / "models")
"""Where the embedded cards are: beside the code in a wheel, beside the package in a checkout."""

CHOICES = {
    "kind": ("stream", "base"),
    "gate": ("relu6", "clip", "sigmoid"),
    "output": ("softmax", "sigmoid"),
    "fit": ("stretch", "crop", "pad"),
    "activation": ("", "hard_swish", "swish", "relu6"),
    "se_type": ("2plus3d", "none"),
    "classifier_activation": ("swish", "hard_swish", "relu6"),
    "dtype": ("float32", "float16", "int8"),
}
"""Fields with a fixed choice."""
NUMBERS = ("side_px", "fps", "lighten", "memory_s", "trained_frames", *asdict(USUAL))
"""Fields that are numbers."""
OF_LABELS: dict[str, Any] = {
    **{"background": (), "experimental": (), "mirror_pairs": (), "label_sets": {}, "rest_label": REST},
    **{"label_thresholds": {}, **asdict(USUAL)},
}
"""Fields that say something of the labels, as they are where a card says nothing: a model with others begins so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a set of weights is, how to feed it, and what was measured on it."""

    name: str
    """The card's own name: its file without `.toml`."""
    architecture: str
    """A file of `stream/nets`."""
    variant: str
    """Which member of the architecture: t0, a0 ... a5."""
    kind: str = "stream"
    """stream: causal, one frame at a time. base: sees a whole clip."""
    side_px: int
    """Pixels: side of the square the network sees, 32 or more."""
    fps: float
    """Frames per second the weights were trained at."""
    labels: tuple[str, ...]
    """K labels in the order of the outputs: what people see, unless `label_sets` says otherwise."""
    label_sets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Label shown -> the labels above that it stands for: their probabilities are added. Empty: each for itself."""
    rest_label: str = REST
    """With `label_sets`: what all other labels are shown as. It is background."""
    gate: str = "relu6"
    """The squeeze-excitation's gate. relu6: relu6(x + 3) * 0.16667 (tf-models-official); clip: clip(0.2 x + 0.5, 0, 1)
    (the 2021 TF Hub stream models and the PyTorch port); sigmoid (base models)."""
    activation: str = ""
    """Activation of the convolutions: hard_swish, swish or relu6; empty: as the kind was published, hard_swish of a
    stream net and swish of a base net."""
    se_type: str = "2plus3d"
    """Squeeze-excitation of the blocks. 2plus3d: by the mean so far and the frame's own, in a base net by the clip's;
    none: the blocks have none, and no pool but the head's."""
    classifier_activation: str = "swish"
    """Activation of the head's dense layer."""
    output: str = "softmax"
    """softmax: one label at a time; sigmoid: any number at once."""
    fit: str = "stretch"
    """How a picture becomes square: stretch, crop (the middle) or pad (black borders)."""
    lighten: float = 0.0
    """Mean brightness in [0, 1) that darker pictures are raised to, by gamma; 0 leaves every picture as it is."""
    memory_s: float = math.inf
    """Seconds: time constant of forgetting; inf is the official model."""
    trained_frames: int = 50
    """Count: frames of a training clip; the positional index stops there when the memory is finite."""
    background: tuple[str, ...] = ()
    """Labels that mean "nothing of interest": shown among the labels, never as events."""
    experimental: tuple[str, ...] = ()
    """Labels that are not right often enough to act on: shown among the labels, as events only where a session allows
    them by name."""
    begin_threshold: float = USUAL.begin_threshold
    """Probability in (0, 1]: an action begins when it reaches this, unless a session asks for another."""
    end_threshold: float = USUAL.end_threshold
    """Probability in (0, begin_threshold]: an action ends when it falls below this, unless a session asks."""
    min_duration_s: float = USUAL.min_duration_s
    """Seconds, 0 or more, that an action must hold before BEGIN is said, unless a session asks."""
    label_thresholds: dict[str, dict[str, float]] = field(default_factory=dict)
    """Label shown -> its own begin_threshold, end_threshold, min_duration_s; those above for what it leaves open."""
    mirror_pairs: tuple[tuple[str, str], ...] = ()
    """Labels that a mirror turns into each other: left and right. Training mirrors by these."""
    members: tuple[str, ...] = ()
    """Of an ensemble, whose architecture is "ensemble": the models whose logits are averaged. It has no weights."""
    weights: str = ""
    """File name beside the card."""
    dtype: str = "float32"
    """How the weights are stored, see `stream/storage.py`; they are computed with as float32."""
    is_folded: bool = False
    """The file holds the step for phones, one stream with all constants folded: ONNX Runtime alone runs it."""
    sha256: str = ""
    """Of the weights file, hexadecimal."""
    licence: str = ""
    """SPDX identifier of the weights' licence."""
    source: str = ""
    """Where the weights came from."""
    measured: dict[str, Any] = field(default_factory=dict)
    """What was measured on what, with the command."""
    training: dict[str, Any] = field(default_factory=dict)
    """How the weights were made: command, seed, data, machine, time."""
    path: Path | None = field(default=None, compare=False)
    """Where the card was read from; None when it was made in memory."""

    def __post_init__(self) -> None:
        for name, accepted in CHOICES.items():
            if getattr(self, name) not in accepted:
                raise ModelError(
                    f"card {self.name!r}: {name} is {getattr(self, name)!r}; accepted: {', '.join(accepted)}"
                )
        if len(set(self.labels)) != len(self.labels) or not all(self.labels):
            raise ModelError(f"card {self.name!r}: labels must be distinct and not blank")
        self.sets.check(self.name, self.labels, self.output)
        for name in ("background", "experimental", "label_thresholds"):
            if unknown := set(getattr(self, name)) - set(self.shown_labels):
                raise ModelError(f"card {self.name!r}: {name} names no label: {', '.join(sorted(unknown))}")
        if unknown := {name for pair in self.mirror_pairs for name in pair} - set(self.labels):
            raise ModelError(f"card {self.name!r}: mirror_pairs names no label: {', '.join(sorted(unknown))}")
        if not 0 <= self.lighten < 1:
            raise ModelError(f"card {self.name!r}: lighten is {self.lighten:g}; accepted: 0 or more, less than 1")
        if bool(self.members) != (self.architecture == "ensemble"):
            raise ModelError(f"card {self.name!r}: members are needed by the architecture 'ensemble', and only by it")
        if self.side_px < 32 or self.fps <= 0 or self.memory_s <= 0 or self.trained_frames < 1:
            raise ModelError(
                f"card {self.name!r}: side_px >= 32, fps > 0, memory_s > 0 and trained_frames >= 1 are needed"
            )
        try:
            self.thresholds, self.own_thresholds  # noqa: B018  # what they are is checked where they are made
        except UsageError as error:
            raise ModelError(f"card {self.name!r}: {error}") from error

    @property
    def thresholds(self) -> Thresholds:
        """When an action begins and ends, where neither its label nor a session has something else."""
        return Thresholds(self.begin_threshold, self.end_threshold, self.min_duration_s)

    @property
    def own_thresholds(self) -> dict[str, Thresholds]:
        """Label -> when its action begins and ends, of the labels that have thresholds of their own."""
        usual, found = self.thresholds, dict[str, Thresholds]()
        for label, values in self.label_thresholds.items():
            try:
                found[label] = usual.but(**values)
            except UsageError as error:
                raise UsageError(f"label_thresholds of {label!r}: {error}") from error
            except TypeError as error:
                wanted = f"accepted: {', '.join(asdict(USUAL))}, each a number"
                raise UsageError(f"label_thresholds of {label!r} is {values!r}; {wanted}") from error
        return found

    @property
    def sets(self) -> LabelSets:
        """Which labels are added up to those that people see."""
        return LabelSets(self.label_sets, self.rest_label)

    @property
    def shown_labels(self) -> tuple[str, ...]:
        """The labels that people see: those of `label_sets` and the rest, or the K labels."""
        return self.sets.shown(self.labels)

    @property
    def silent_labels(self) -> tuple[str, ...]:
        """The labels that give no event unless a session allows them by name: background, rest and experimental."""
        rest = (self.rest_label,) if self.label_sets else ()
        return tuple(dict.fromkeys((*self.background, *rest, *self.experimental)))

    @property
    def main_activation(self) -> str:
        """Activation of the convolutions, by name: the published one where the card leaves it open."""
        return self.activation or ("hard_swish" if self.kind == "stream" else "swish")

    @property
    def has_se(self) -> bool:
        """Whether the blocks have a squeeze-excitation."""
        return self.se_type != "none"

    @property
    def decay(self) -> float:
        """What the pools keep from one frame to the next at the card's rate: 1.0 when they never forget."""
        return decay(1.0 / self.fps, self.memory_s)

    def read_weights(self) -> bytes:
        """Return the weights file's bytes after comparing their hash, so that what was checked is what is loaded.

        Raises:
            ModelError: no file, or another hash; names both.
        """
        if self.path is None or not self.weights:
            raise ModelError(f"card {self.name!r} names no weights file")
        file = self.path.parent / Path(self.weights).name
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ModelError(f"card {self.name!r}: cannot read its weights {file}: {error.strerror}") from error
        if (found := hashlib.sha256(content).hexdigest()) != self.sha256:
            raise ModelError(f"{file} has SHA-256 {found}, its card says {self.sha256 or 'nothing'}: refused")
        return content


def decay(elapsed_s: float, memory_s: float) -> float:
    """Return exp(-elapsed_s / memory_s): 1.0 for an infinite memory."""
    return math.exp(-elapsed_s / memory_s)


def shipped() -> tuple[str, ...]:
    """List the cards that ship with the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def names() -> tuple[str, ...]:
    """List the cards that `load` finds by name: those that ship, and what was pulled or imported."""
    return tuple(sorted({*shipped(), *cache.names()}))


def find(name: str) -> Path | None:
    """Return where the card of that name is: with the package, else in the cache."""
    if name in shipped():
        return SHIPPED / f"{name}.toml"
    return cache.card_file(name) if name in cache.names() else None


def load(name: str) -> Card:
    """Read a card by name, or by the path of a `.toml` file.

    Raises:
        UnknownPart: no such card; lists those there are, and says how to get one that can be pulled.
        ModelError: the file is not a card; says which field is wrong.
    """
    path = Path(name) if name.endswith(".toml") else find(name)
    if path is None or not path.is_file():
        advice = f"to get it: stream-models pull {name}" if name in catalogue.ENTRIES else ""
        raise UnknownPart("model", name, names(), advice)
    try:
        return parse(tomllib.loads(path.read_text("utf-8")), path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is not a card: {error}") from error


def parse(table: dict[str, Any], path: Path | None = None) -> Card:
    """Make a card from a TOML table; its name is the file's where it gives none."""
    known = {item.name: item for item in fields(Card) if item.name != "path"}
    values = {"name": path.stem} | table if path else dict(table)
    if unknown := sorted(set(values) - set(known)):
        raise ModelError(f"card {values.get('name')!r}: unknown field {unknown[0]!r}; known: {', '.join(known)}")
    needed = [name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING]
    if missing := [name for name in needed if name not in values]:
        raise ModelError(f"card {values.get('name')!r}: it does not say {', '.join(missing)}")
    for name in NUMBERS:
        if not isinstance(value := values.get(name, 0), int | float) or isinstance(value, bool):
            raise ModelError(f"card {values.get('name')!r}: {name} is {value!r}; accepted: a number")
    for name in ("labels", "background", "experimental", "members"):
        if name in values:
            values[name] = tuple(values[name])
    for name in ("label_sets", "label_thresholds"):
        if not isinstance(found := values.get(name, {}), dict):
            raise ModelError(f"card {values.get('name')!r}: {name} is {found!r}; accepted: a table, a label to a line")
    if "label_sets" in values:
        values["label_sets"] = {label: tuple(found) for label, found in values["label_sets"].items()}
    if "mirror_pairs" in values:
        values["mirror_pairs"] = tuple(map(tuple, values["mirror_pairs"]))
    try:
        return Card(**values, path=path)
    except TypeError as error:
        raise ModelError(f"card {values.get('name')!r}: {error}") from error


def dump(card: Card) -> str:
    """Return the card as TOML that `parse` reads back equal; fields that say nothing are left out."""
    silent = dict.fromkeys(("weights", "sha256", "licence", "source"), "") | {"lighten": 0.0} | OF_LABELS
    values = {item.name: getattr(card, item.name) for item in fields(Card) if item.name != "path"}
    return tomli_w.dumps({name: it for name, it in values.items() if it not in ((), {}) and silent.get(name) != it})
