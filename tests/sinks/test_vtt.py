"""Subtitles: what was on, in order, in a form that players take."""

import re
from pathlib import Path

import pytest

from stream.config import SessionSettings
from stream.pipeline import Session, run
from stream.sinks import open_sink, vtt
from stream.types import Frame, LabelEvent, Phase, Update
from tests.toy import Plain, Shelf, Toy, frames

CUE = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) --> (\d\d):(\d\d):(\d\d)\.(\d{3})\n(.+)\n")
RAW = SessionSettings(smoothing_s=0, min_duration_s=0, deny=("lately red", "lately green"))


def cues(text: str) -> list[tuple[float, float, str]]:
    assert text.startswith("WEBVTT\n")
    found = []
    for *clock, label in CUE.findall(text):
        begin, end = ([int(part) for part in clock[i : i + 4]] for i in (0, 4))
        found.append((*(h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (begin, end)), label))
    assert text == "WEBVTT\n" + "".join(f"\n{cue.group()}" for cue in CUE.finditer(text))
    return found


def test_the_cues_are_the_actions_that_were_told(tmp_path: Path) -> None:
    film = [*frames([0.0, 0.1, 0.2], red=1.0), *frames([0.3, 0.4]), *frames([0.5], green=1.0)]
    with open_sink("vtt", str(tmp_path / "a.vtt")) as sink:
        run(Shelf(film), Session(Toy(), RAW), sink.send)
    assert cues((tmp_path / "a.vtt").read_text()) == [(0.0, 0.3, "red"), (0.5, 0.6, "green")]


def test_the_cues_are_the_labels_on_top_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    film = [*frames([0.0, 0.1], red=1.0), *frames([0.2])]
    with open_sink("vtt", "-", view="labels") as sink:
        run(Shelf(film), Session(Toy(), RAW), sink.send)
    assert cues(capsys.readouterr().out) == [(0.0, 0.2, "red"), (0.2, 0.3, "dark")]


def say(sink: vtt.Vtt, offset_s: float, *events: tuple[str, Phase, float]) -> None:
    said = tuple(LabelEvent(label, phase, 0.9, offset_s, begin_s) for label, phase, begin_s in events)
    sink.send(Frame(Plain(), offset_s, 0), Update(offset_s, (), said, 0.0))


def test_cues_come_in_order_of_their_beginnings(tmp_path: Path) -> None:
    with vtt.build(str(tmp_path / "a.vtt")) as sink:
        say(sink, 0.0, ("long", Phase.BEGIN, 0.0))
        say(sink, 0.1, ("short", Phase.BEGIN, 0.1))
        say(sink, 0.2, ("short", Phase.END, 0.1))
        say(sink, 0.3, ("long", Phase.END, 0.0))
    assert [label for *_, label in cues((tmp_path / "a.vtt").read_text())] == ["long", "short"]


def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vtt, "WAITING_COUNT", 5)
    with vtt.build(str(tmp_path / "a.vtt")) as sink:
        say(sink, 0.0, ("long", Phase.BEGIN, 0.0))
        for i in range(1, 40, 2):
            say(sink, i / 10, ("short", Phase.BEGIN, i / 10))
            say(sink, (i + 1) / 10, ("short", Phase.END, i / 10))
            assert len(sink._waiting) <= 5
        say(sink, 4.1, ("long", Phase.END, 0.0))
    assert len(cues((tmp_path / "a.vtt").read_text())) == 21


def test_hours_and_signs_are_written_as_the_format_asks(tmp_path: Path) -> None:
    with vtt.build(str(tmp_path / "a.vtt")) as sink:
        say(sink, 3661.5, ("a <b> & --> c\n\nd", Phase.BEGIN, 3661.5))
        say(sink, 3662.25, ("a <b> & --> c\n\nd", Phase.END, 3661.5))
    text = (tmp_path / "a.vtt").read_text()
    assert text == "WEBVTT\n\n01:01:01.500 --> 01:01:02.250\na &lt;b&gt; &amp; --&gt; c d\n"
