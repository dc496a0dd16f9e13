"""Streams that are stepped together do not meet, even where one of them has numbers that are not finite."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from stream import recogniser
from stream.decode import RgbPicture, encode_jpeg
from stream.errors import MissingDependency
from stream.nets import movinet
from stream.types import Array, State
from stream.v1 import recognition_pb2 as pb
from tests.runtimes.examples import ENGINES
from tests.server import live
from tests.server.live import answers, config, film

Say = Callable[[str], None]

ROWS, BAD = 5, 2
"""Count of streams in a batch, and which one is poisoned."""


def run(loaded: recogniser.Recogniser, clips: list[Array], poison: float | None) -> list[tuple[Array, State]]:
    """Step a batch; before the third step one row's picture, decay and state are made `poison`."""
    state, found = loaded.init_state(ROWS), []
    for number, clip in enumerate(clips):
        shown, state = _poisoned(clip, state, poison) if number == 2 and poison is not None else (clip, state)
        logits, state = loaded.step(shown, state)
        found.append((logits, state))
    return found


def _poisoned(clip: Array, state: State, poison: float) -> tuple[Array, State]:
    clip, state = clip.copy(), {name: values.copy() for name, values in state.items()}
    for values in (clip, *state.values()):
        values[BAD] = poison
    return clip, state


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("engine", ENGINES)
def test_one_row_that_is_not_finite_leaves_the_others_bit_for_bit(model: Path, engine: str, poison: float) -> None:
    try:
        loaded = recogniser.load(str(model), engine)
    except MissingDependency as error:
        pytest.skip(str(error))
    rng = np.random.default_rng(3)
    clips = [rng.random((ROWS, 3, 1, 32, 32), np.float32) for _ in range(6)]
    others = [row for row in range(ROWS) if row != BAD]
    well = run(loaded, clips, None)
    with np.errstate(all="ignore"):
        ill = run(loaded, clips, poison)
    assert not np.isfinite(ill[2][0][BAD]).all() or (ill[2][0][BAD] != well[2][0][BAD]).any(), "the poison works"
    for (logits, state), (same_logits, same_state) in zip(ill, well, strict=True):
        assert logits[others].tobytes() == same_logits[others].tobytes()
        assert all(state[name][others].tobytes() == same_state[name][others].tobytes() for name in state)


def fragile(net: movinet.MoViNet) -> None:
    """Have the network overflow where its picture is bright, and nowhere else."""
    net.stem.conv.weight.mul_(1e37)


def shade(level: int) -> bytes:
    return encode_jpeg(RgbPicture(np.full((48, 48, 3), level, np.uint8)))


def test_a_stream_whose_numbers_are_not_finite_says_so_and_no_other_changes(tmp_path: Path, say: Say) -> None:
    dark, bright = shade(0), shade(255)
    with live.running(live.write_model(tmp_path, fragile)) as server:
        ill = [config(top_k=5, is_cut_aware=False), *film([dark, dark, bright, *[dark] * 9])]
        well = [config(top_k=5, is_cut_aware=False), *film([dark] * 12)]
        alone = answers(server.talk(well))
        with ThreadPoolExecutor(8) as pool:
            beside, found = pool.map(lambda asked: answers(server.talk(asked)), [well] * 7), answers(server.talk(ill))
        assert all(one == alone for one in beside)
    assert [said.reset_cause for said in found] == [0, 0, pb.RESET_CAUSE_NAN, *[0] * 9]
    assert not found[2].labels
    assert all(math.isfinite(label.probability) for said in found for label in said.labels)
    assert [said.labels for said in found[3:]] == [said.labels for said in alone[:9]], "it begins again from nothing"
    say("1 frame of 12 not finite: said, memory cleared, then as fresh; 7 streams beside it bit for bit as alone")
