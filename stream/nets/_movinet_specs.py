"""The one table of MoViNet's members: t0, a0 ... a5, stream and base alike.

Source: Kondratyuk et al. 2021, arXiv:2103.11511, as found in `tf-models-official` 2.20.0 (Apache-2.0),
`official/projects/movinet/modeling/movinet.py`, `BLOCK_SPECS`.
"""

from dataclasses import dataclass

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
