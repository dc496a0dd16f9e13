"""Paths of Google's objects -> Google's names: what checkpoints and `.weights.h5` files call a variable.

A checkpoint writes `model/.../layer_with_weights-3/_feature/_conv_temporal/_conv/depthwise_kernel`, a `.weights.h5`
`layers/movinet/layers/movinet_block_2/_mobile_bottleneck/_feature_layer/_conv_temporal/_conv/vars/0`; both are
`block1_layer1/bneck/feature/conv2d_temporal/depthwise_conv2d/depthwise_kernel`. Blocks are numbered through, so their
names follow from their order. Written from files that `tf-models-official` 2.20.0 (Apache-2.0) saved. Needs numpy only.
"""

import re
from collections.abc import Iterable, Mapping

from stream.errors import ModelError
from stream.nets._movinet_official import NORM
from stream.nets._movinet_specs import SPECS

PARTS = {
    r"_stem": "stem/stem",
    r"_project": "head/project",
    r"_(head|classifier)": r"classifier_head/\1",
    r"_(expansion|feature|projection)(?:_layer)?": r"{block}/bneck/\1",
    r"_skip(?:_layer)?/_projection": "{block}/bneck/skip/skip_project",
    r"_attention(?:_layer)?/_(se_reduce|se_expand)": r"{block}/bneck/se/\1",
    r"_attention(?:_layer)?/_pos_encoding/_rezero": "{block}/bneck/se/pos_encoding",
    r"_rezero": "{block}",
}
"""Path inside a layer -> official layer."""

ANY_PART = "|".join(re.sub(r"\((?!\?)", "(?:", part) for part in PARTS)
PATH = re.compile(
    rf"(?P<container>.*?)/(?:_mobile_bottleneck/)?(?P<part>{ANY_PART})(?P<operation>(?:/_(?:conv|batch_norm)\w*)*)"
    r"/(?:vars/(?P<place>\d)|(?P<leaf>[a-z_]+))"
)
IGNORED = re.compile(r"optimizer|save_counter|global_step|OPTIMIZER_SLOT|_CHECKPOINTABLE_OBJECT_GRAPH|keras_api")
"""What a training leaves beside the weights."""

Dimensions = Mapping[str, int]
"""Path -> number of dimensions of its value."""


def official_names(paths: Dimensions) -> dict[str, str]:
    """Return every variable's path -> its official name, as `_movinet_official.convert` takes it.

    Raises:
        ModelError: a path is no MoViNet's, or there are more or fewer blocks than any member has.
    """
    matches = {path: _match(path) for path in paths if not IGNORED.search(path)}
    blocks = _blocks({match["container"] for match in matches.values() if _layer(match).startswith("{block}")})
    return {path: _name(match, blocks.get(match["container"], ""), paths[path] == 4) for path, match in matches.items()}


def _match(path: str) -> re.Match[str]:
    match = PATH.fullmatch(path.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"))
    if match is None:
        raise ModelError(f"{path!r} is not a variable of an official MoViNet")
    return match


def _layer(match: re.Match[str]) -> str:
    found = (inner.expand(layer) for part, layer in PARTS.items() if (inner := re.fullmatch(part, match["part"])))
    return next(found)


def _blocks(containers: Iterable[str]) -> dict[str, str]:
    """Name the blocks by their order: container -> block0_layer0, ..."""
    ordered = sorted(containers, key=_number)
    shapes = {name: [len(stage.expand) for stage in spec.stages] for name, spec in SPECS.items()}
    layers = next((shape for shape in shapes.values() if sum(shape) == len(ordered)), None)
    if layers is None:
        known = ", ".join(f"{name} {sum(shape)}" for name, shape in shapes.items())
        raise ModelError(f"it has {len(ordered)} blocks; a MoViNet has: {known}")
    names = [f"block{stage}_layer{layer}" for stage, count in enumerate(layers) for layer in range(count)]
    return dict(zip(ordered, names, strict=True))


def _number(container: str) -> int:
    """Return the count at the end of a container's name; the first block of a `.weights.h5` file has none."""
    found = re.search(r"[-_](\d+)$", container)
    return int(found[1]) if found else 0


def _name(match: re.Match[str], block: str, is_flat: bool) -> str:
    layer, operation = _layer(match).format(block=block), match["operation"]
    is_norm, end = "batch_norm" in operation, "_temporal" if "temporal" in operation else ""
    is_depthwise = is_flat and layer.endswith("/feature")
    leaf = match["leaf"] or _leaf(int(match["place"]), is_norm, is_depthwise, bool(operation))
    if not operation:
        return f"{layer}/{leaf}"
    inner = f"bn{end}" if is_norm else "depthwise_conv2d" if is_depthwise else "conv2d"
    return f"{layer}/conv2d{end}/{inner}/{leaf}"


def _leaf(place: int, is_norm: bool, is_depthwise: bool, is_operation: bool) -> str:
    """Name a variable that is only numbered."""
    if not is_operation:
        return "scale"
    names = tuple(NORM) if is_norm else ("depthwise_kernel" if is_depthwise else "kernel", "bias")
    return names[place]
