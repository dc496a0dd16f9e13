"""From a name of the catalogue to a card in the cache: download, check, import."""

from dataclasses import dataclass
from pathlib import Path

from stream import cache, cards, catalogue, downloads, ensemble, importers, intake
from stream.cards import Card
from stream.catalogue import Entry, Place
from stream.downloads import Progress, Remote
from stream.errors import DownloadError, ModelError, StreamError, UnknownPart, UsageError
from stream.intake import KINETICS_600, Order, Say


@dataclass(frozen=True, slots=True)
class Way:
    """How to pull."""

    dtype: str = ""
    """How to store the weights; empty: as they come."""
    file: Path | None = None
    """Already fetched by hand; it must pass the same check."""
    address: str = ""
    """Another place of the same file."""
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
    entry = catalogue.ENTRIES.get(name)
    if entry is None:
        raise UnknownPart("model to pull", name, catalogue.ENTRIES)
    if entry.members:
        return _pull_ensemble(entry, way)
    with cache.locked(name):
        if name in cache.names() and way.file is None:
            card = _whole(name, way.say)
            if card and way.dtype in ("", card.dtype):
                way.say(f"{name} is here already")
                return card
        return _by_hand(entry, way.file, way) if way.file else _fetch(entry, way)


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
    if way.file or way.address:
        raise UsageError(
            f"{entry.name} has no file: it is the mean of {' and '.join(entry.members)}; pull these, each with its own"
        )
    members = [pull(member, way) for member in entry.members]
    return ensemble.join(entry.name, members, entry.variant, is_forced=True)


def _by_hand(entry: Entry, file: Path, way: Way) -> Card:
    place = entry.places[0]
    downloads.check(file, Remote(place.address, place.git_blob))
    return _take(str(file), entry, way)


def _fetch(entry: Entry, way: Way) -> Card:
    """Try one place after the other; what each said is in the error where none gave anything."""
    said = list[StreamError]()
    for place in entry.places[:1] if way.address else entry.places:
        importers.require(place.form)
        if said:
            way.say(f"{said[-1]}; trying {place.address}")
        try:
            return _from(place, entry, way)
        except (DownloadError, ModelError) as error:
            said.append(error)
    if len(said) == 1:
        raise said[0]
    kind = DownloadError if all(isinstance(error, DownloadError) for error in said) else ModelError
    raise kind("; ".join(map(str, said)))


def _from(place: Place, entry: Entry, way: Way) -> Card:
    remote = Remote(way.address or place.address, place.git_blob)
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
    given = {"variant": entry.variant, "kind": entry.kind, "licence": place.licence, "source": place.source}
    given |= {"gate": place.gate} if place.gate else {}
    return intake.keep(source, Order(entry.name, given, KINETICS_600, way.dtype), way.say)
