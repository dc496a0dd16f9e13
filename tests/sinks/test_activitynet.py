"""Detected ranges as the tools of temporal action localisation read them."""

import json
from pathlib import Path

import pytest

from stream.config import SessionSettings
from stream.errors import Unusable
from stream.pipeline import Session, run
from stream.sinks import open_sink
from tests.toy import Shelf, Toy, frames

RAW = SessionSettings(smoothing_s=0, min_duration_s=0, deny=("lately red",))


def test_the_file_is_a_submission_with_the_actions_that_were_told(tmp_path: Path) -> None:
    path = tmp_path / "street.labels.json"
    film = [*frames([0.0, 0.1, 0.2], red=1.0), *frames([0.3, 0.4]), *frames([0.5], red=1.0)]
    with open_sink("activitynet", str(path)) as sink:
        run(Shelf(film), Session(Toy(), RAW), sink.send)
    said = json.loads(path.read_text())
    assert set(said) == {"version", "results", "external_data"}
    rows = said["results"]["street"]
    assert [(row["label"], row["segment"]) for row in rows] == [("red", [0.0, 0.3]), ("red", [0.5, 0.6])]
    assert all(0.99 < row["score"] <= 1 for row in rows)


def test_labels_on_top_are_written_when_asked_and_the_video_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    with open_sink("activitynet", str(path), view="labels", video='a "b"') as sink:
        run(Shelf(frames([0.0, 0.1])), Session(Toy(), RAW), sink.send)
    assert [row["label"] for row in json.loads(path.read_text())["results"]['a "b"']] == ["dark"]


def test_a_stream_without_actions_is_still_whole(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    with open_sink("activitynet", str(path)) as sink, pytest.raises(Unusable):
        run(Shelf([]), Session(Toy(), RAW), sink.send)
    assert json.loads(path.read_text())["results"] == {"labels": []}
