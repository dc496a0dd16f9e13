"""Steps a written file and the net over the same frames: 50 random ones, then real footage where there is some."""

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
import torch

from stream import steps
from stream.cards import Card
from stream.errors import ExportError, ParityError
from stream.exporters.base import Bound, Parity
from stream.nets.base import Net, TensorState, one_thread
from stream.nets.movinet import MoViNet
from stream.types import Array, State

FRAMES, CHUNK = 50, 10
"""Counts: random frames, and how many of them the net takes at once."""

Step = Callable[[Array, State, float], tuple[Array, State]]
"""(1, 3, S, S) frame, state and decay -> (1, K) logits and the state after it."""

Run = Callable[[dict[str, Array]], dict[str, Array]]
"""One call of a written file: inputs by name -> outputs by name; see `stream/steps.py`."""


def streamable(net: Net, card: Card) -> MoViNet:
    """Return the net if it has a step that can be written.

    Raises:
        ExportError: it has none.
        ModelError: it was built for another card.
    """
    if card.kind != "stream":
        raise ExportError(
            f"card {card.name!r} is a {card.kind} net: it sees its whole clip at once and has no state to step"
        )
    if not isinstance(net, MoViNet):
        raise ExportError(f"only MoViNet can be exported, not {type(net).__name__}")
    steps.check_card(card, net.card)
    return net


def arrays(net: torch.nn.Module) -> dict[str, Array]:
    """Return a net's parameters and moving statistics by name."""
    kept = ((name, value) for name, value in net.state_dict().items() if not name.endswith("num_batches_tracked"))
    return {name: value.detach().float().cpu().contiguous().numpy() for name, value in kept}


def onnx_step(file: bytes) -> Step:
    """Return the step of an ONNX or ORT file in ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return stepper(lambda inputs: dict(zip(names, session.run(names, inputs), strict=True)))


def stepper(run: Run) -> Step:
    """Return a file's step, as any host would write it."""

    def step(image: Array, state: State, decay: float) -> tuple[Array, State]:
        rate = np.full((1, 1, 1, 1), decay, np.float32)
        found = run({steps.IMAGE: np.ascontiguousarray(image), steps.DECAY: rate, **state})
        origin = steps.sources(state).items()
        after = {name: found[place] if place in found else state[place] for name, place in origin}
        return found[steps.LOGITS].reshape(1, -1), after

    return step


def compare(net: MoViNet, card: Card, step: Step, bound: Bound, footage: Sequence[Array] = ()) -> Parity:
    """Step both over random frames, then both from the start over the footage.

    Args:
        net: what is meant.
        card: its decay is used.
        step: what was written.
        bound: what is taken.
        footage: real frames in their order, (1, 3, 1, S, S) each.

    Raises:
        ParityError: the logits, a state or the first labels differ by more than the bound.
    """
    random = np.random.default_rng(0)
    noise = [random.random((1, 3, CHUNK, card.side_px, card.side_px), np.float32) for _ in range(FRAMES // CHUNK)]
    ours, theirs = _stream(net, card, step, bound, noise)
    worst, agreement = float(np.abs(ours - theirs).max()), None
    if footage:
        clips = [np.concatenate(footage[at : at + CHUNK], axis=2) for at in range(0, len(footage), CHUNK)]
        ours, theirs = _stream(net, card, step, bound, clips)
        worst = max(worst, float(np.abs(ours - theirs).max()))
        agreement = float((ours.argmax(1) == theirs.argmax(1)).mean())
        if agreement < bound.agreement:
            raise ParityError("first labels on footage", 1 - agreement, 1 - bound.agreement)
    return Parity(worst, agreement, len(footage))


def _stream(net: MoViNet, card: Card, step: Step, bound: Bound, clips: Sequence[Array]) -> tuple[Array, Array]:
    """Return the (T, K) logits of `step` and of the net over the clips, (1, 3, T, S, S) each, as one stream."""
    state: State = {name: value.numpy() for name, value in net.init_state().items()}
    reference, ours, theirs = net.init_state(), [], []
    for clip in clips:
        logits, reference = _reference(net, clip, reference, card.decay)
        for index, expected in enumerate(logits):
            found, state = step(clip[:, :, index], state, card.decay)
            _check("logits", found, expected, bound)
            ours.append(found)
            theirs.append(expected)
        for name, value in reference.items():
            _check(name, state[name], value.numpy(), bound)
    return np.concatenate(ours), np.concatenate(theirs)


def _reference(net: MoViNet, clip: Array, state: TensorState, decay: float) -> tuple[Array, TensorState]:
    """Return the net's logits after every frame, (T, 1, K)."""
    is_training = net.training
    try:
        with torch.no_grad(), one_thread():
            logits, state = net.eval().frames(torch.from_numpy(clip), state, decay)
    finally:
        net.train(is_training)
    return logits.transpose(0, 1).numpy(), state


def _check(what: str, found: Array, expected: Array, bound: Bound) -> None:
    difference = float(np.abs(found - expected).max())
    tolerance = bound.difference * max(1.0, float(np.abs(expected).max()))
    if not difference <= tolerance:  # also where it is not a number
        raise ParityError(what, difference, tolerance)
