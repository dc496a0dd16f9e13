"""The one table of MoViNet's members: t0, a0 ... a5, stream and base alike.

Source: Kondratyuk et al. 2021, arXiv:2103.11511, as found in `tf-models-official` 2.20.0 (Apache-2.0),
`official/projects/movinet/modeling/movinet.py`, `BLOCK_SPECS`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from stream.errors import UnknownPart

COUNT = "pool_frame_count"
"""State: frames the pools hold, (B, 1, 1, 1); one for all pools, since they advance together."""

POSITION = "pos_enc_frame_count"
"""State of A3-A5: index of the next frame, (B, 1, 1, 1)."""

HEAD = "head_pool_buffer"
"""State: sum of the features after the last block, (B, C, 1, 1)."""

K13, K15, K33, K53 = (1, 3), (1, 5), (3, 3), (5, 3)
"""Depthwise kernels: (taps in time, side in pixels)."""

Kernel = tuple[int, int]


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A run of blocks with one width; the first block has the stage's stride."""

    filters: int
    """Channels between blocks."""
    expand: tuple[int, ...]
    """Channels inside each block."""
    kernels: tuple[Kernel, ...]
    """Depthwise kernel of each block."""
    stride: int = 2
    """Spatial stride of the first block; the stride in time is 1 everywhere."""


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """One inverted bottleneck, where it stands."""

    name: str
    """blockN_layerM, as in the paper's code."""
    side_px: int
    """Side of what it takes; it gives a side of ceil(side_px / stride)."""
    inputs: int
    """Channels it takes."""
    outputs: int
    """Channels it gives."""
    expand: int
    """Channels inside."""
    taps: int
    """Of the kernel in time: 1, 3 or 5."""
    kernel: int
    """Side of the kernel in space: 3 or 5."""
    stride: int
    """In space: 1 or 2."""

    @property
    def after_px(self) -> int:
        """Side of what it gives."""
        return -(-self.side_px // self.stride)

    @property
    def buffers(self) -> tuple[str, ...]:
        """States that hold its past frames, oldest first."""
        return tuple(f"{self.name}_stream_buffer_{age}" for age in range(self.taps - 1))

    @property
    def pool(self) -> str:
        """State that holds the sum of its frames."""
        return f"{self.name}_pool_buffer"


@dataclass(frozen=True, slots=True)
class NetSpec:
    """One member of the family."""

    stem_filters: int
    stages: tuple[StageSpec, ...]
    project_filters: int
    """Channels of the pooled features."""
    head_filters: int = 2048
    """Width of the dense layer before the classifier."""
    is_positional: bool = False
    """The stream form adds a positional encoding in its squeeze-excitation (A3-A5)."""

    def blocks(self, side_px: int) -> Iterator[BlockSpec]:
        """Yield the blocks in order, for pictures of that side."""
        side, width = -(-side_px // 2), self.stem_filters
        for index, stage in enumerate(self.stages):
            for layer, (expand, (taps, kernel)) in enumerate(zip(stage.expand, stage.kernels, strict=True)):
                stride = stage.stride if layer == 0 else 1
                name = f"block{index}_layer{layer}"
                yield (block := BlockSpec(name, side, width, stage.filters, expand, taps, kernel, stride))
                side, width = block.after_px, stage.filters

    def state_shapes(self, side_px: int, has_se: bool = True) -> dict[str, tuple[int, int, int]]:
        """List every state of one row of the stream form, in the order of the network: name -> (C, H, W).

        Without squeeze-excitation only the head pools, and there is no positional encoding.
        """
        shapes: dict[str, tuple[int, int, int]] = {}
        for block in self.blocks(side_px):
            shapes |= dict.fromkeys(block.buffers, (block.expand, block.after_px, block.after_px))
            if has_se:
                shapes[block.pool] = (block.expand, 1, 1)
        shapes |= {HEAD: (self.project_filters, 1, 1), COUNT: (1, 1, 1)}
        return shapes | ({POSITION: (1, 1, 1)} if self.is_positional and has_se else {})


SPECS = {
    "t0": NetSpec(
        8,
        (
            StageSpec(8, (16,), (K15,)),
            StageSpec(32, (72, 72), (K33, K15)),
            StageSpec(56, (112,) * 3, (K53, K15, K33)),
            StageSpec(56, (184,) * 4, (K53, K15, K33, K33), stride=1),
            StageSpec(104, (344,) * 4, (K53, K15, K15, K33)),
        ),
        project_filters=240,
        head_filters=1024,
    ),
    "a0": NetSpec(
        8,
        (
            StageSpec(8, (24,), (K15,)),
            StageSpec(32, (80,) * 3, (K33,) * 3),
            StageSpec(56, (184, 112, 184), (K53, K33, K33)),
            StageSpec(56, (184,) * 4, (K53, K33, K33, K33), stride=1),
            StageSpec(104, (384, 280, 280, 344), (K53, K15, K15, K15)),
        ),
        project_filters=480,
    ),
    "a1": NetSpec(
        16,
        (
            StageSpec(16, (40, 40), (K15, K33)),
            StageSpec(40, (96, 120, 96, 96), (K33,) * 4),
            StageSpec(64, (216, 128, 216, 168, 216), (K53,) + (K33,) * 4),
            StageSpec(64, (216, 216, 216, 128, 128, 216), (K53, K33, K33, K33, K15, K33), stride=1),
            StageSpec(136, (456, 360, 360, 360, 456, 456, 544), (K53, K15, K15, K15, K15, K33, K13)),
        ),
        project_filters=600,
    ),
    "a2": NetSpec(
        16,
        (
            StageSpec(16, (40, 40, 64), (K15, K33, K33)),
            StageSpec(40, (96, 120, 96, 96, 120), (K33,) * 5),
            StageSpec(72, (240, 160, 240, 192, 240), (K53,) + (K33,) * 4),
            StageSpec(72, (240, 240, 240, 240, 144, 240), (K53, K33, K33, K33, K15, K33), stride=1),
            StageSpec(144, (480, 384, 384, 480, 480, 480, 576), (K53, K15, K15, K15, K15, K33, K13)),
        ),
        project_filters=640,
    ),
    "a3": NetSpec(
        16,
        (
            StageSpec(16, (40, 40, 64, 40), (K15, K33, K33, K33)),
            StageSpec(48, (112, 144, 112, 112, 144, 144), (K33, K33, K33, K15, K33, K33)),
            StageSpec(80, (240, 152, 240, 192, 240), (K53,) + (K33,) * 4),
            StageSpec(88, (264, 264, 264, 264, 160, 264, 264, 264), (K53, K33, K33, K33, K15, K33, K33, K33), stride=1),
            StageSpec(
                168,
                (560, 448, 448, 560, 560, 560, 448, 448, 560, 672),
                (K53, K15, K15, K15, K15, K33, K15, K15, K33, K13),
            ),
        ),
        project_filters=744,
        is_positional=True,
    ),
    "a4": NetSpec(
        24,
        (
            StageSpec(24, (64, 64, 96, 64, 96, 64), (K15,) + (K33,) * 5),
            StageSpec(56, (168, 168, 136, 136, 168, 168, 168, 136, 136), (K33,) * 7 + (K15, K33)),
            StageSpec(96, (320, 160, 320, 192, 320, 160, 320, 256, 320), (K53,) + (K33,) * 8),
            StageSpec(
                96, (320, 320, 320, 320, 192, 320, 320, 192, 320, 320), (K53, K33, K33, K33, K15) + (K33,) * 5, stride=1
            ),
            StageSpec(
                192,
                (640, 512, 512, 640, 640, 640, 512, 512, 640, 768, 640, 640, 768),
                (K53, K15, K15, K15, K15, K33, K15, K15, K15, K15, K15, K33, K33),
            ),
        ),
        project_filters=856,
        is_positional=True,
    ),
    "a5": NetSpec(
        24,
        (
            StageSpec(24, (64, 64, 96, 64, 96, 64), (K15, K15, K33, K33, K33, K33)),
            StageSpec(64, (192, 152, 152, 152, 192, 192, 192, 152, 152, 192, 192), (K53,) + (K33,) * 10),
            StageSpec(112, (376, 224, 376, 376, 296, 376, 224, 376, 376, 296, 376, 376, 376), (K53,) + (K33,) * 12),
            StageSpec(
                120,
                (376, 376, 376, 376, 224, 376, 376, 224, 376, 376, 376),
                (K53, K33, K33, K33, K15) + (K33,) * 6,
                stride=1,
            ),
            StageSpec(
                224,
                (744, 744, 600, 600, 744, 744, 744, 896, 600, 600, 896, 744, 744, 896, 600, 600, 744, 744),
                (K53, K33, K15, K15, K15, K15, K33, K15, K15, K15, K15, K15, K33, K15, K15, K15, K15, K33),
            ),
        ),
        project_filters=992,
        is_positional=True,
    ),
}
"""Member -> its shape."""


def find(variant: str) -> NetSpec:
    """Return the shape of a member.

    Raises:
        UnknownPart: there is no such member; lists the known ones.
    """
    if variant not in SPECS:
        raise UnknownPart("MoViNet variant", variant, SPECS)
    return SPECS[variant]
