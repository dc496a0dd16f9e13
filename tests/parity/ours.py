"""Our side of the comparison: the same weights, the same frames. Needs torch and the package."""

from collections.abc import Sequence

import numpy as np
import torch

from stream.cards import Card
from stream.nets._movinet_specs import COUNT, POSITION
from stream.nets.base import TensorState
from stream.nets.movinet import MoViNet, build
from tests.parity import weights
from tests.parity.cases import CLASSES, Case

BUFFER = "_stream_buffer_"
"""In our names of the past frames of a block, before the age."""


def net(
    variant: str,
    kind: str,
    side_px: int,
    *,
    gate: str = "relu6",
    classifier_activation: str = "swish",
    activation: str = "",
    se_type: str = "2plus3d",
    classes: int = CLASSES,
    trained_frames: int = 50,
) -> MoViNet:
    """Make a network whose every parameter and moving statistic comes from its name."""
    card = Card(
        name=f"{variant}-{kind}",
        architecture="movinet",
        variant=variant,
        kind=kind,
        side_px=side_px,
        fps=5.0,
        labels=tuple(f"label {i}" for i in range(classes)),
        gate="sigmoid" if kind == "base" else gate,
        classifier_activation=classifier_activation,
        activation=activation,
        se_type=se_type,
        trained_frames=trained_frames,
    )
    made = build(card).eval()
    made.load_state_dict(
        {
            key: old if key.endswith("num_batches_tracked") else torch.from_numpy(weights.value(key, tuple(old.shape)))
            for key, old in made.state_dict().items()
        }
    )
    return made.requires_grad_(False)


def net_of(case: Case, side_px: int) -> MoViNet:
    made = {"gate": case.gate, "classifier_activation": case.classifier_activation}
    return net(case.variant, case.kind, side_px, **made, activation=case.activation, se_type=case.se_type)


def stream(made: MoViNet, clip: torch.Tensor, cuts: Sequence[int]) -> tuple[torch.Tensor, TensorState]:
    """Feed a clip in chunks; return the logits after each, (chunks, B, K), and the last state."""
    state, rows = made.init_state(clip.shape[0]), []
    with torch.inference_mode():
        for chunk in clip.split(list(cuts), 2):
            logits, state = made(chunk, state)
            rows.append(logits)
    return torch.stack(rows), state


def official_state(state: TensorState) -> dict[str, np.ndarray]:
    """Give a state the official names and layouts: buffers, (B, T, H, W, C); a count for each pool."""
    found: dict[str, np.ndarray] = {}
    for block in dict.fromkeys(name.partition(BUFFER)[0] for name in state if BUFFER in name):
        ages = sum(name.startswith(f"{block}{BUFFER}") for name in state)
        past = torch.stack([state[f"{block}{BUFFER}{age}"] for age in range(ages)], 1)
        found[f"state_{block}_stream_buffer"] = past.permute(0, 1, 3, 4, 2).numpy()
    for pool in [name.removesuffix("_pool_buffer") for name in state if name.endswith("_pool_buffer")]:
        found[f"state_{pool}_pool_buffer"] = state[f"{pool}_pool_buffer"].permute(0, 2, 3, 1).unsqueeze(1).numpy()
        found[f"state_{pool}_pool_frame_count"] = state[COUNT].flatten().numpy()
        if POSITION in state and pool != "head":
            found[f"state_{pool}_pos_enc_frame_count"] = state[POSITION].flatten().numpy()
    return found
