"""Google's names and layouts become ours, each once; `make parity` proves the same on whole models."""

import numpy as np
import pytest

from stream.errors import ModelError
from stream.nets._movinet_official import convert, convert_all, qualify

BLOCK = "block0_layer1"


def counted(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("name", "kind", "shape", "key", "ours"),
    [
        ("stem/stem/conv2d/conv2d/kernel:0", "stream", (3, 3, 3, 8), "stem.conv.weight", (8, 3, 3, 3)),
        ("stem/stem/conv3d/kernel:0", "base", (1, 3, 3, 3, 8), "stem.conv.weight", (8, 3, 3, 3)),
        (f"{BLOCK}/bneck/se/se_reduce/conv2d/conv2d_1/bias:0", "stream", (4,), f"blocks.{BLOCK}.se.reduce.bias", (4,)),
        (
            f"{BLOCK}/bneck/feature/conv2d/depthwise_conv2d/depthwise_kernel:0",
            "stream",
            (3, 5, 8, 1),
            f"blocks.{BLOCK}.feature.spatial.conv.weight",
            (8, 1, 3, 5),
        ),
        (
            f"{BLOCK}/bneck/feature/conv3d/kernel:0",
            "base",
            (5, 3, 3, 1, 8),
            f"blocks.{BLOCK}.feature.conv.weight",
            (8, 1, 5, 3, 3),
        ),
        (
            f"{BLOCK}/bneck/feature/conv3d/kernel:0",
            "stream",
            (1, 3, 3, 1, 8),
            f"blocks.{BLOCK}.feature.spatial.conv.weight",
            (8, 1, 3, 3),
        ),
        (
            f"{BLOCK}/bneck/feature/conv2d_temporal/bn_temporal/moving_variance:0",
            "stream",
            (8,),
            f"blocks.{BLOCK}.feature.temporal.norm.running_var",
            (8,),
        ),
        ("classifier_head_2/classifier/conv3d/kernel:0", "base", (1, 1, 1, 9, 5), "classifier.weight", (5, 9, 1, 1)),
        (f"{BLOCK}/scale:0", "stream", (), f"blocks.{BLOCK}.scale", ()),
    ],
)
def test_a_variable_becomes_one_of_ours(
    name: str, kind: str, shape: tuple[int, ...], key: str, ours: tuple[int, ...]
) -> None:
    found = convert(name, counted(*shape), kind)
    assert {key: value.shape for key, value in found.items()} == {key: ours}
    assert sorted(found[key].ravel()) == sorted(counted(*shape).ravel())


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("conv2d_temporal/depthwise_conv2d_1/depthwise_kernel:0", (3, 1, 2, 1)),
        ("conv3d_temporal/kernel:0", (3, 1, 1, 1, 2)),
    ],
)
def test_a_kernel_over_time_falls_into_its_taps_oldest_first(name: str, shape: tuple[int, ...]) -> None:
    found = convert(f"{BLOCK}/bneck/feature/{name}", counted(*shape), "stream")
    taps = {
        key.removeprefix(f"blocks.{BLOCK}.feature.temporal."): value.ravel().tolist() for key, value in found.items()
    }
    assert taps == {"taps.0": [0, 1], "taps.1": [2, 3], "taps.2": [4, 5]}


def test_a_bare_scale_belongs_to_the_block_before_it() -> None:
    names = ["block0_layer0/bneck/projection/conv2d/bn/beta:0", "scale:0", "block0_layer0/scale:0"]
    assert qualify(names)[1] == "block0_layer0/bneck/se/pos_encoding/scale:0"
    assert list(convert(qualify(names)[1], counted(), "stream")) == ["blocks.block0_layer0.se.position.scale"]


@pytest.mark.parametrize(
    "name", ["dense/kernel:0", "stem/stem/conv2d/bn/kernels:0", "scale:0", "block0_layer0/bneck/bias:0"]
)
def test_a_name_that_is_no_movinets_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="not a variable of an official MoViNet"):
        convert(name, counted(1), "stream")


def test_every_key_is_set_once_and_every_variable_used() -> None:
    names, values = ["stem/stem/conv2d/bn/gamma:0", "stem/stem/conv2d/bn/beta:0"], [counted(8), counted(8)]
    keys = ["stem.norm.weight", "stem.norm.bias"]
    assert set(convert_all(names, values, keys, "stream")) == set(keys)
    with pytest.raises(ModelError, match="is set already"):
        convert_all([names[0], names[0]], values, keys, "stream")
    with pytest.raises(ModelError, match=r"nothing for 'stem\.conv\.weight'"):
        convert_all(names, values, [*keys, "stem.conv.weight"], "stream")
    with pytest.raises(ModelError, match=r"has 'stem\.norm\.weight'"):
        convert_all(names, values, keys[1:], "stream")
