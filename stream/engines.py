"""Which engine runs a model, where nobody names one."""

from stream import rooms
from stream.cards import Card
from stream.errors import UnknownPart
from stream.runtimes.base import Runtime

AUTO = "auto"
"""The fused engine where this install has it and it can run the model, else ONNX Runtime."""


def names() -> tuple[str, ...]:
    """List what may be asked for: `AUTO`, then every engine."""
    return (AUTO, *rooms.names("runtimes"))


def choose(card: Card, threads: int = 1) -> str:
    """Name the engine that runs a card's model where nobody names one.

    Args:
        card: the model.
        threads: count of threads per step; the fused engine has one, so more are ONNX Runtime's.
    """
    return "fused" if threads == 1 and rooms.find("runtimes", "fused").can_run(card) else "onnxruntime"


def build(card: Card, name: str = AUTO, threads: int = 1) -> Runtime:
    """Load a model into an engine.

    Args:
        card: the model, of one net.
        name: a file of `stream/runtimes`, or `AUTO`.
        threads: count of threads per step, 1 or more.

    Raises:
        UnknownPart: no such engine; lists the known ones.
        MissingDependency: the engine's package is not installed; says how to get it.
        ModelError: the weights are not what the card or the engine needs.
    """
    if name not in names():
        raise UnknownPart("engine", name, names())
    chosen = choose(card, threads) if name == AUTO else name
    built: Runtime = rooms.find("runtimes", chosen).build(card, threads)
    return built
