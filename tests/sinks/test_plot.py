"""The timeline of labels."""

from itertools import pairwise
from pathlib import Path

import pytest

from stream.types import Drops, Frame, Label, LabelEvent, Phase, Update
from tests.toy import Plain

plot = pytest.importorskip("stream.sinks.plot", reason="the extra `plot` is not installed")


def send(sink: object, count: int) -> None:
    for i in range(count):
        labels = (Label("wave", (i % 10) / 10), Label("nod", 0.5))
        events = (LabelEvent("nod", Phase.END, 0.9, i / 10, i / 10 - 0.1),) if i % 10 == 0 else ()
        sink.send(
            Frame(Plain(), i / 10, 0), Update(i / 10, labels, events, 0.0, Drops(), "cut" if i % 500 == 499 else None)
        )


def test_memory_is_bounded_and_peaks_survive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(plot, "POINT_COUNT", 64)
    sink = plot.build(str(tmp_path / "labels.png"))
    send(sink, 10_007)
    points = sink._points
    assert 32 <= len(points) <= 64
    assert points[0].offset_s == 0.0
    assert points[-1].offset_s > 900
    gaps = {round(b.offset_s - a.offset_s, 3) for a, b in pairwise(points)}
    assert len(gaps) == 1, "points stay evenly spaced"
    assert {point.probabilities["wave"] for point in points[:-1]} == {0.9}


def test_it_draws_any_stream(tmp_path: Path) -> None:
    for count in (1, 2, 700):
        path = tmp_path / f"{count}.png"
        with plot.build(str(path), title="$\\nope{$ _ ^") as sink:
            send(sink, count)
        assert path.read_bytes().startswith(b"\x89PNG")
