"""From a file of any known format to a proved card in the cache."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stream import cache, cards, catalogue, downloads, exporters, importers, labels, proof
from stream.cards import Card
from stream.errors import UsageError
from stream.hub.additions import Addition
from stream.importers.base import Reading, Reference, needed_gate
from stream.nets._movinet_identity import identify, se_type

KINETICS_600 = "kinetics-600"
"""A list of labels that ships: of Google's project, 600 classes."""

Say = Callable[[str], None]
"""Takes a sentence on what is being done."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to make of a file."""

    name: str
    """What the model will be called."""
    given: Mapping[str, Any]
    """Fields of the card that the user, or the catalogue, knows; they beat what the file tells."""
    labels: str = ""
    """A file of labels, or "kinetics-600"; else what the file carries, or kinetics-600 where it has 600 classes."""
    dtype: str = ""
    """How to store the weights; empty: as the file has them, float32 where it does not say."""
    is_forced: bool = False
    """Replace a model of that name."""
    addition: Addition | None = None
    """What is put to the model once it is proved."""


def bring(source: str, order: Order, say: Say) -> Card:
    """Import a file, a folder or a TensorFlow Hub handle as `order.name`.

    Returns:
        The card, in the cache, with what was measured.

    Raises:
        UsageError: it is nothing that can be imported, or does not tell something that must be given.
        MissingDependency: a package the format needs is not installed.
        ModelError: it is damaged, or of another network.
        ParityError: what it computes is not what our network computes; names the first layer that differs.
    """
    if order.name in cards.shipped():
        raise UsageError(f"{order.name!r} is a model that ships; choose another name")
    if order.name in catalogue.ENTRIES:
        raise UsageError(f"{order.name!r} is what `stream-models pull` brings; choose another name")
    with cache.locked(order.name):
        cache.check_free(order.name, is_forced=order.is_forced)
        return keep(source, order, say)


def keep(source: str, order: Order, say: Say) -> Card:
    """Import under any name; who calls holds its lock. See `bring`."""
    importer = importers.find(source)
    say(f"reading it as {importer.KIND}")
    reading: Reading = importer.read(source, order.given)
    card, told = _card(source, reading, order, say)
    measured: dict[str, Any] = {"import": {"note": reading.note}}
    if reading.reference:
        say(f"comparing with {reading.reference.name} over {proof.FRAMES} frames")
        found = proof.prove(card, reading, reading.reference, told)
        card, measured["import"] = found.card, found.told()
        if reading.as_it_is:
            measured["import"] |= _apart(card, reading, reading.as_it_is, say)
    elif card.kind == "stream" and card.has_se and "gate" not in told:
        needed_gate(card.kind, order.given)
    if Path(source).is_file():
        measured["import"]["file_sha256"] = downloads.sha256(Path(source))
    if order.addition:
        card, joined = order.addition.join(card, reading.weights)
        reading = replace(reading, weights=joined)
        say(f"joined with {', '.join(order.addition.rows.names)}; shown: {', '.join(card.shown_labels)}")
    if card.dtype != "float32":
        reading, measured["storage"] = proof.stored(card, reading, card.dtype)
    say("writing it, and comparing what was written")
    return _write(replace(card, measured=measured), reading, say)


def _apart(card: Card, reading: Reading, as_it_is: Reference, say: Say) -> dict[str, Any]:
    """Measure how far a file that rounds is from its own weights computed in float32."""
    same, correlation = proof.apart(card, reading, as_it_is)
    say(
        f"{as_it_is.name} rounds between its operations, which float32 does not: over the same random frames "
        f"its logits correlate with ours by {correlation:.3f}"
    )
    return {"rounded": {"same_first_label": round(same, 3), "correlation": round(correlation, 4)}}


def _card(source: str, reading: Reading, order: Order, say: Say) -> tuple[Card, set[str]]:
    """Return the card as far as it is known, and the names of the fields that the file, or somebody, told."""
    variant, kind, classes = identify(reading.weights)
    for name, found in (("variant", variant), ("kind", kind)):
        if order.given.get(name, found) != found:
            raise UsageError(f"{source} is a MoViNet {variant} {kind} net; {name} {order.given[name]!r} was asked for")
    told = {**reading.facts, **order.given}
    usual = {
        "side_px": catalogue.SIDES_PX[variant],
        "fps": catalogue.RATES_FPS[variant],
        "trained_frames": round(catalogue.RATES_FPS[variant] * catalogue.SECONDS),
        "gate": "relu6" if kind == "stream" else "sigmoid",
        "source": f"imported from {Path(source).name}",
        "dtype": "float32",
    }
    names = _labels(order.labels, reading.facts.get("labels"), classes)
    shape = {"variant": variant, "kind": kind, "se_type": se_type(reading.weights), "labels": names}
    usual["memory_s"] = _memory_s(shape)
    fields = usual | told | shape | _kept(reading, names, say)
    if order.dtype:
        fields["dtype"] = order.dtype
    _say_assumed(fields, set(usual) - set(told), say)
    return Card(
        name=order.name, architecture="movinet", **{key: fields[key] for key in fields if key != "architecture"}
    ), set(told)


def _memory_s(shape: Mapping[str, Any]) -> float:
    """Return the memory that a network gets where nobody tells one; see docs/memory.md."""
    is_measured = shape["kind"] == "stream" and shape["se_type"] == "none" and shape["labels"] == _kinetics_600()
    return catalogue.LITE_MEMORY_S if is_measured else math.inf


def _kept(reading: Reading, names: tuple[str, ...], say: Say) -> dict[str, Any]:
    """Return the fields of the file's card that name labels, without the labels that other ones took the place of."""
    background, pairs = reading.facts.get("background", ()), reading.facts.get("mirror_pairs", ())
    if names == reading.facts.get("labels"):
        return {}
    others = {name: value for name, value in cards.OF_LABELS.items() if name in reading.facts}
    kept = others | {
        "background": tuple(name for name in background if name in names),
        "mirror_pairs": tuple(pair for pair in pairs if set(pair) <= set(names)),
    }
    if lost := [name for name in background if name not in names]:
        say(f"no longer background, as the labels are others: {', '.join(lost)}")
    return kept


def _say_assumed(fields: Mapping[str, Any], assumed: set[str], say: Say) -> None:
    """Say what nobody told and every answer depends on."""
    units = {"side_px": ("{} px", "--side"), "fps": ("{:g} fps", "--fps")}
    found = [(words.format(fields[name]), flag) for name, (words, flag) in units.items() if name in assumed]
    if found:
        say(
            f"taken as {' and '.join(words for words, _ in found)}, as {fields['variant']} was published; "
            f"{' and '.join(flag for _, flag in found)} to say otherwise"
        )
    if fields["kind"] == "stream" and "memory_s" in assumed:
        say(f"{_memory_words(fields['memory_s'], fields['se_type'])} (docs/memory.md); --memory-s to say otherwise")


def _memory_words(memory_s: float, se_type: str) -> str:
    if memory_s < math.inf:
        return f"memory: {memory_s:g} s, the best of those measured with the small A0 on a running camera"
    measured = "" if se_type == "none" else "; what a finite one costs Google's squeeze-excitation is not known"
    return f"memory: endless, which on a running camera ends all answers{measured}"


def _labels(wanted: str, carried: tuple[str, ...] | None, classes: int) -> tuple[str, ...]:
    if wanted and wanted != KINETICS_600:
        return labels.read(Path(wanted), classes)
    if carried and not wanted:
        return carried
    if classes == 600 or wanted:
        return _kinetics_600(classes)
    raise UsageError(f"the file does not say what its {classes} classes are called: --labels FILE, one a line")


def _kinetics_600(classes: int = 600) -> tuple[str, ...]:
    return labels.read(cards.SHIPPED / f"{KINETICS_600}.txt", classes)


def _write(card: Card, reading: Reading, say: Say) -> Card:
    """Write the model into the cache."""
    with cache.staging() as folder:
        written = exporters.store(card, reading.weights, folder)
        content = (folder / written.weights).read_bytes()
        if found := proof.compare(written, content, reading.weights):
            say(f"compared the file with {found.reference}: largest difference {found.difference:.1e}")
        name = f"{card.name}-{written.sha256[:12]}.onnx"
        kept = replace(written, weights=name)
        path = cache.replace_model(card.name, cards.dump(kept), folder / written.weights, name)
    return replace(kept, path=path)
