"""From a name of the catalogue to a card in the cache: download, check, import."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream import cache, cards, catalogue, downloads, ensemble, importers, intake
from stream.cards import Card
from stream.catalogue import Entry, Place
from stream.downloads import Progress, Remote
from stream.errors import DownloadError, ModelError, UnknownPart, UsageError
from stream.hub import additions
from stream.intake import KINETICS_600, Order, Say

DIGEST = re.compile(r"[0-9a-fA-F]{64}")
"""A SHA-256."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to pull."""

    dtype: str = ""
    """How to store the weights; empty: as they come."""
    file: Path | None = None
    """Already fetched by hand; it must pass the same check."""
    address: str = ""
    """Another place of the same file."""
    sha256: str = ""
    """Of the file, hexadecimal: needed where the catalogue knows none."""
    progress: Progress = lambda _here, _total: None
    """Shown how far the download is."""
    say: Say = lambda _sentence: None
    """Told what is being done."""


def pull(name: str, way: Way) -> Card:
    """Bring a model of the catalogue here, or say that it is.

    Raises:
        UnknownPart: no such model to be pulled; lists them.
        MissingDependency: what reads it is not installed; nothing was fetched.
        DownloadError: it cannot be fetched, or is another file.
        ModelError: the file is not what it should be; nothing of the user's is changed.
    """
    if name in cards.shipped():
        way.say(f"{name} ships with the package: nothing to pull")
        return cards.load(name)
    entry = catalogue.ENTRIES.get(name)
    if entry is None:
        raise UnknownPart("model to pull", name, catalogue.ENTRIES)
    if entry.members:
        return _pull_ensemble(entry, way)
    if way.sha256 and not DIGEST.fullmatch(way.sha256):
        raise UsageError(f"--sha256 is {way.sha256!r}; accepted: 64 hexadecimal digits")
    with cache.locked(name):
        if name in cache.names() and way.file is None:
            card = _whole(name, way.say)
            if card and way.dtype in ("", card.dtype):
                way.say(f"{name} is here already")
                return card
        if way.file:
            return _by_hand(entry, way.file, way)
        base = None if way.address else _base(entry)
        return _join(entry, base, way) if base else _fetch(entry, way)


def _whole(name: str, say: Say) -> Card | None:
    """Return a model that is here, unless its card or its weights are damaged."""
    try:
        card = cards.load(name)
        card.read_weights()
    except ModelError as error:
        say(f"{error}; it is brought again")
        return None
    return card


def _pull_ensemble(entry: Entry, way: Way) -> Card:
    if way.file or way.address or way.sha256:
        raise UsageError(
            f"{entry.name} has no file: it is the mean of {' and '.join(entry.members)}; pull these, each with its own"
        )
    members = [pull(member, way) for member in entry.members]
    return ensemble.join(entry.name, members, entry.variant, is_forced=True)


def _by_hand(entry: Entry, file: Path, way: Way) -> Card:
    downloads.check(file, _remote(entry.places[0], entry, way))
    return _take(str(file), entry, way)


def _base(entry: Entry) -> Card | None:
    """Return a model that is here whole, was made of the file that an entry adds to, and rounds none of its weights."""
    files = {place.sha256 for place in entry.places} - {""}
    plain = {name for name, other in catalogue.ENTRIES.items() if not other.addition} if entry.addition else set[str]()
    for name in plain.intersection(cache.names()):
        try:
            card = cards.load(name)
            found, storage = (card.measured.get(part, {}) for part in ("import", "storage"))
            if found.get("file_sha256") in files and (card.dtype == "float32" or storage.get("largest_change") == 0):
                card.read_weights()
                return card
        except (ModelError, AttributeError):  # damaged, or a card whose tables are none
            continue
    return None


def _join(entry: Entry, base: Card, way: Way) -> Card:
    """Put an entry's addition to a model that is here."""
    way.say(f"nothing to fetch: {base.name} is here, made of the file that {entry.name} is made of")
    if base.path is None:  # never of one that was read from the cache
        raise ModelError(f"{base.name} is in no file")
    return _keep(str(base.path.with_name(base.weights)), entry, entry.places[0], way)


def _fetch(entry: Entry, way: Way) -> Card:
    """Try one place after the other; each that gives nothing is told as it fails, the error says what to do."""
    places = entry.places[:1] if way.address else entry.places
    said = list[DownloadError | ModelError]()
    for place in places:
        importers.require(place.form, f"pulling {entry.name}")
        remote = _remote(place, entry, way)
        try:
            return _from(remote, place, entry, way)
        except (DownloadError, ModelError) as error:
            if len(places) == 1:
                raise
            words = error.words if isinstance(error, DownloadError) else str(error)
            way.say(words if remote.address in words else f"{remote.address}: {words}")
            said.append(error)
    kind = DownloadError if all(isinstance(error, DownloadError) for error in said) else ModelError
    advice = _remote(places[0], entry, way).by_hand("it from one of them")
    raise kind(f"none of {len(places)} addresses gives {entry.name}; {advice}") from said[-1]


def _remote(place: Place, entry: Entry, way: Way) -> Remote:
    """Return what is to be fetched, or was, and how it is told from anything else.

    Raises:
        UsageError: nothing tells it, or another hash was given than the catalogue has.
    """
    given = way.sha256.lower()
    if place.is_hash_needed and not given:
        asked = "give it with --sha256 HEX, from somebody who has the file and whom you trust"
        if way.file:
            own = f"or take it as it is, under a name of yours: stream-models import {way.file} --as NAME"
            raise UsageError(
                f"which file {entry.name} is made of is not known here, so {way.file} cannot be held "
                f"against its hash: {asked}; {own}"
            )
        raise UsageError(f"the hash of {way.address or place.address} is not known here: {asked}")
    if place.sha256 and given not in ("", place.sha256):
        raise UsageError(f"--sha256 is {given}; {entry.name} has {place.sha256}")
    return Remote(way.address or place.address, place.git_blob, place.sha256 or given, place.size)


def _from(remote: Remote, place: Place, entry: Entry, way: Way) -> Card:
    part = cache.downloads() / f"{entry.name}-{place.form}.part"
    downloads.fetch(remote, part, way.progress)
    try:
        card = _take(str(part), entry, way)
    except (ModelError, UsageError) as error:
        downloads.clear(part)
        told = str(error).replace(str(part), "it")
        raise ModelError(f"what {remote.address} gives is refused: {told}") from error
    downloads.clear(part)
    return card


def _take(source: str, entry: Entry, way: Way) -> Card:
    """Import a file as the place says that has this form of it."""
    form = importers.form(importers.find(source))
    place = next((place for place in entry.places if place.form == form), None)
    if place is None:
        raise ModelError(
            f"{source} is {importers.kind(form)}; {entry.name} comes as "
            f"{' or as '.join(importers.kind(place.form) for place in entry.places)}"
        )
    return _keep(source, entry, place, way)


def _keep(source: str, entry: Entry, place: Place, way: Way) -> Card:
    """Import a file of any form with what is known of the place that its weights come from."""
    given: dict[str, Any] = {"variant": entry.variant, "kind": entry.kind}
    given |= {"licence": place.licence, "source": place.source}
    given |= {"gate": place.gate} if place.gate else {}
    given |= {"memory_s": place.memory_s} if place.memory_s else {}
    addition = additions.read(additions.shipped(entry.addition)) if entry.addition else None
    return intake.keep(source, Order(entry.name, given, KINETICS_600, way.dtype, addition=addition), way.say)
