"""The memory study: what it shares is exact, and it finds out a model that never forgets."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream import cards
from stream.evaluation import memory, plots
from stream.evaluation.memory import Cell
from stream.play.gestures import Event
from stream.play.motions import LABELS
from stream.recogniser import Recogniser
from stream.training.gestures import Stream
from stream.types import Array, State
from tests.toy import CARD, Toy


class Waver:
    """Says `wave` while the fading mean of all it saw is red, else `no motion`; counts the frames it was shown."""

    name = "waver 1.0"
    card = replace(CARD, name="waver", labels=LABELS, background=LABELS[:2], output="softmax")

    def __init__(self) -> None:
        self._toy, self.frames = Toy(), 0

    def init_state(self, batch: int = 1) -> State:
        return self._toy.init_state(batch)

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        self.frames += len(clip)
        colours, state = self._toy.step(clip, state, decay)
        logits = np.full((len(clip), len(LABELS)), -20, np.float32)
        logits[:, 0], logits[:, LABELS.index("wave")] = 0, colours[:, 4]  # above 0 where the mean is redder than 0.5
        return logits, state


def film(*waves: tuple[float, float], seconds: float = 6.0) -> Stream:
    """A dark scene that is red from the begin of each wave to its end."""
    frames = np.zeros((round(10 * seconds), 32, 32, 3), np.uint8)
    for begin_s, end_s in waves:
        frames[round(10 * begin_s) : round(10 * end_s), ..., 0] = 255
    return Stream(frames, np.zeros(len(frames), np.int64), tuple(Event("wave", *wave) for wave in waves))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds over and over, four seconds judged; half a second old, ten seconds, twenty."""
    for name, value in {"LOOP_S": 2.0, "TEST_S": 4.0, "SHORT_S": 0.5, "AGES_S": (0.5, 10.0, 20.0)}.items():
        monkeypatch.setattr(memory, name, value)


FILMS = (film((3.0, 4.0)), film((0.5, 1.0), (2.5, 3.5)))


def cells(memory_s: float, runtime: Waver | None = None) -> list[Cell]:
    return list(memory.study(Recogniser(runtime or Waver()), FILMS, [memory_s]))


def test_only_gestures_of_the_second_part_that_end_in_time_are_judged() -> None:
    late, other = film((3.0, 5.5)), film((3.0, 4.0))
    assert [event.begin_s for scene in FILMS for event in memory.judged(Recogniser(Waver()), scene)] == [3.0, 2.5]
    assert memory.judged(Recogniser(Waver()), late) == []
    quiet = Stream(other.frames, other.labels, (Event("other motion", 3.0, 4.0),))
    assert memory.judged(Recogniser(Waver()), quiet) == []


@pytest.mark.parametrize("memory_s", [0.1, 0.5, 3.0, math.inf])
def test_a_shared_history_gives_the_very_state_of_one_that_is_shown_anew(memory_s: float) -> None:
    waver = Waver()
    walker = memory._Walker(Recogniser(waver), FILMS, memory_s)
    for age_s, state in walker.aged((10.0, 20.0)):
        plain = waver.init_state(2)
        for index in range(round(10 * age_s)):
            pictures = np.stack([scene.frames[index % 20] for scene in FILMS])
            clip = (pictures.transpose(0, 3, 1, 2)[:, :, None] * np.float32(1 / 255)).astype(np.float32)
            _, plain = waver.step(clip, plain, cards.decay(0.1, memory_s))
        assert all(np.array_equal(state[name], plain[name]) for name in plain)


def test_minutes_that_change_nothing_are_not_shown_again() -> None:
    counts = {}
    for memory_s in (0.1, math.inf):
        waver = Waver()
        list(memory._Walker(Recogniser(waver), FILMS, memory_s).aged((10.0, 20.0)))
        counts[memory_s] = waver.frames
    assert counts[math.inf] == 2 * 200
    assert counts[0.1] <= 2 * 20 * 4


def test_a_memory_that_never_ends_forgets_to_look_and_one_that_fades_does_not() -> None:
    assert [cell.accuracy.value for cell in cells(0.2)] == [1, 1, 1]
    young, *old = cells(math.inf)
    assert (young.accuracy.value, young.found.value, young.change.value) == (1, 1, 0)
    for cell in old:
        assert (cell.accuracy.value, cell.found.value, cell.delay_s.value) == (0, 0, math.inf)
        assert cell.change.value == -1


def test_the_delay_counts_from_the_actions_begin() -> None:
    """With a memory of 0.2 s the mean is redder than a half in the second red frame."""
    for cell in cells(0.2):
        assert cell.delay_s.value == pytest.approx(0.1, abs=0.21)
    fast = cells(0.01)
    assert [cell.delay_s.value for cell in fast] == pytest.approx([0.15] * 3, abs=0.11)


def test_an_action_is_judged_by_the_first_frame_after_its_end_and_found_until_a_second_after() -> None:
    wave = Event("wave", 1.0, 1.45)
    said = ["no motion"] * 40
    said[15] = "wave"
    assert memory._judge(0, wave, said, 0) == memory.Take(0, True, pytest.approx(0.5))
    late = ["no motion"] * 40
    late[24] = "wave"
    assert memory._judge(0, wave, late, 0) == memory.Take(0, False, pytest.approx(1.4))
    assert memory._judge(0, wave, ["no motion"] * 24 + ["wave"] * 3, 2).delay_s == math.inf


def test_the_picture_is_drawn_even_where_a_delay_has_no_end(tmp_path: Path) -> None:
    plots.memory([*cells(0.2), *cells(math.inf)], "title", tmp_path / "memory.png")
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")
