"""Runs a net in PyTorch: the reference every other engine is compared with."""

import torch

from stream import rooms, weights
from stream.cards import Card
from stream.nets.movinet import MoViNet
from stream.runtimes.base import check_step, rates
from stream.types import Array, State


def build(card: Card, threads: int = 1) -> "TorchRuntime":
    """Build the card's net and load its weights.

    Args:
        card: the model; its weights are an ONNX file as `stream-export` writes it.
        threads: count of threads per step, 1 or more. PyTorch has one such number for the process: the last one counts.

    Raises:
        ModelError: no weights, another hash, or weights of another net; says what differs.
    """
    net = rooms.find("nets", card.architecture).build(card)
    weights.load(net, weights.read_state_dict(card.read_weights()))
    torch.set_num_threads(threads)
    return TorchRuntime(net, card)


class TorchRuntime:
    """Satisfies `runtimes.base.Runtime`."""

    def __init__(self, net: MoViNet, card: Card) -> None:
        self.card = card
        self.name = f"torch {torch.__version__}"
        self._net = net.eval().requires_grad_(False)

    def init_state(self, batch: int = 1) -> State:
        """Return the state of `batch` streams that have seen nothing: zeros."""
        return {name: value.numpy() for name, value in self._net.init_state(batch).items()}

    def step(self, clip: Array, state: State, decay: float | Array | None = None) -> tuple[Array, State]:
        """Advance `B` streams by one clip; see `runtimes.base.Runtime.step`."""
        check_step(self.card, self._net.state_shapes(), clip, state)
        rate = torch.tensor(rates(self.card, decay, len(clip)))
        before = {name: torch.tensor(value) for name, value in state.items()}
        with torch.inference_mode():
            logits, after = self._net(torch.tensor(clip), before, rate)
        return logits.numpy(), {name: value.numpy().copy() for name, value in after.items()}
