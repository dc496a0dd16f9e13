"""A line for each update and each event."""

import json
from pathlib import Path

import pytest

from stream.config import SessionSettings
from stream.pipeline import Session, run
from stream.sinks import open_sink
from tests.toy import Shelf, Toy, frames


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_lines_say_what_the_session_said(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session(Toy(), SessionSettings(smoothing_s=0, min_duration_s=0, top_k=2, deny=("lately red",)))
    with open_sink("jsonl", "-") as sink:
        run(Shelf(frames([0.0, 0.04, 0.1, 0.2], red=1.0)), session, sink.send)
    said = lines(capsys.readouterr().out)
    assert [(line["kind"], line.get("phase")) for line in said] == [
        ("update", None),
        ("event", "begin"),
        ("update", None),
        ("event", "update"),
        ("update", None),
        ("event", "update"),
        ("event", "end"),
    ]
    update = said[2]
    assert update["offset_s"] == 0.1
    assert update["drops"] == {"rate": 1, "backlog": 0, "decode": 0, "order": 0, "late": 0}
    assert update["labels"][0] == {"name": "red", "probability": pytest.approx(1, abs=1e-3)}
    assert set(update) == {"kind", "offset_s", "labels", "age_ms", "drops", "reset"}
    assert said[-1] == {
        "kind": "event",
        "label": "red",
        "phase": "end",
        "offset_s": 0.2,
        "begin_s": 0.0,
        "probability": pytest.approx(1, abs=1e-3),
    }


def test_every_line_is_on_disk_when_send_returns(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    session = Session(Toy())
    with open_sink("jsonl", str(path)) as sink:
        for count, frame in enumerate(frames([0.0, 0.1, 0.2])):
            sink.send(frame, session.feed(frame))
            assert len(lines(path.read_text())) == count + 1
