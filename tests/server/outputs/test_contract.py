"""Every output takes what is told or says why it cannot, and is read from stream.toml by its file's name."""

import time
from pathlib import Path

import pytest

from stream import rooms
from stream.errors import OutputError, UsageError
from stream.server.configuration import outlets, settings
from stream.server.outputs.base import OutputSettings, Told
from stream.server.standing import State
from tests.server.outputs import telling
from tests.server.outputs.examples import EXAMPLES

OUTPUTS = rooms.names("server.outputs")
SOURCES = '[source.door]\nuri = "a.mp4"\n[source.live]\nuri = "rtsp://a/b"\n'
pytestmark = pytest.mark.parametrize("kind", OUTPUTS)


def example(kind: str, folder: Path) -> OutputSettings:
    assert kind in EXAMPLES, f"tests/server/outputs/examples.py has no line for the output {kind!r}"
    return OutputSettings(name="out", kind=kind, sources=("door",), folder=folder, values=EXAMPLES[kind])


def table(kind: str, more: str = "") -> str:
    values = {key: f'"{value}"' if isinstance(value, str) else value for key, value in EXAMPLES[kind].items()}
    lines = [f"{key} = {value}" for key, value in values.items()]
    return "\n".join([SOURCES, "[output.out]", f'kind = "{kind}"', *lines, more])


def read(folder: Path, text: str) -> settings.Configuration:
    (folder / "stream.toml").write_text(text)
    return settings.load(folder / "stream.toml", {})


def test_a_table_of_its_own_makes_it(kind: str, tmp_path: Path) -> None:
    found = read(tmp_path, table(kind)).outputs["out"]
    assert (found.kind, found.values) == (kind, EXAMPLES[kind])
    assert "door" in found.sources
    assert read(tmp_path, table(kind)).outputs == read(tmp_path, table(kind)).outputs


def test_a_field_that_it_does_not_have_is_refused_with_those_it_has(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"stream.toml:\d+: output.out: there is no colour; accepted: .*kind.*sources"):
        read(tmp_path, table(kind, 'colour = "red"'))


def test_a_source_that_is_not_configured_is_refused_with_those_that_are(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"output.out: no source named 'yard'; known: door, live"):
        read(tmp_path, table(kind, 'sources = ["yard"]'))


def test_it_takes_everything_that_is_told_or_says_why_not_now(kind: str, tmp_path: Path) -> None:
    output = outlets.build(example(kind, tmp_path))
    news = [telling.state(State.LIVE), telling.begin(1), telling.used(2), telling.end(3), telling.over(end_s=0.4)]
    with output:
        for one in news:
            try:
                output.take(Told("door", one, ()))
            except OutputError as error:
                assert str(error)
        output.forget("door")
    assert output.kept_count == 0


def test_it_is_over_soon_whatever_it_waits_for(kind: str, tmp_path: Path) -> None:
    desk = telling.desk(example(kind, tmp_path))
    telling.tell(desk, telling.begin(1), telling.end(2))
    began_s = time.monotonic()
    desk.close()
    assert time.monotonic() - began_s < 10
