"""Reads a SavedModel of TensorFlow: a folder, an archive of one, or a TensorFlow Hub handle. It runs, so it proves."""

import re
import tarfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from stream.errors import DownloadError, ModelError
from stream.importers import _archives
from stream.importers._tensorflow import clip_trace, from_names, package, stream_trace
from stream.importers.base import Reading, Reference, Trace
from stream.nets import _movinet_official
from stream.types import Array

KIND = "a SavedModel folder, its .tar.gz, or a TensorFlow Hub handle"
PACKAGES = ("tensorflow",)
MOST_OBJECTS = 100_000
"""Count: objects that are looked at below the root; the largest MoViNet has some 5,000."""
STATE = "state_"
"""Beginning of a state's name."""
HANDLES = ("https://", "http://")
CALLS = ("call", "serving_default")
"""Signatures of a step, or of a clip; the first there is."""
INNER = re.compile(r"(?:^|.*/)saved_model\.pb")


def recognises(source: str) -> bool:
    """Say whether it is an address, or holds a saved_model.pb; see `importers.base.Importer`."""
    return source.startswith(HANDLES) or _archives.holds(source, INNER)


def read(source: str, given: Mapping[str, Any]) -> Reading:  # noqa: ARG001  # running it tells the rest
    """Return its weights and itself as the reference."""
    tensorflow = package("tensorflow", "a SavedModel")
    if source.startswith(HANDLES):
        source = _resolve(source)
    with _archives.opened(source, INNER) as file:
        try:
            model = tensorflow.saved_model.load(str(file.parent))
        except (OSError, ValueError, IndexError, tensorflow.errors.OpError) as error:
            raise ModelError(f"{source} is not a SavedModel: {str(error).splitlines()[0]}") from error
    call = next((model.signatures[name] for name in CALLS if name in model.signatures), None)
    variables = _variables(model)
    if call is None or not variables:
        raise ModelError(f"{source} is no MoViNet's: it has no variables, or none of the signatures {', '.join(CALLS)}")
    names = _movinet_official.qualify(variable.name for variable in variables)
    weights = from_names(dict(zip(names, (variable.numpy() for variable in variables), strict=True)))
    name = f"the SavedModel in TensorFlow {tensorflow.__version__}"
    return Reading(weights, _facts(call), Reference(name, lambda clip: _run(model, call, clip)))


def _variables(root: Any) -> list[Any]:
    """Return the network's variables, in its own order, wherever below the root the network lies.

    Google's exporter saves the network itself. A user may hold it in a `tf.Module` and save that: then the nearest
    object below the root that has a list of variables is the network; where none has, each variable stands for itself.
    """
    todo, seen, single = [root], {id(root)}, list[Any]()
    while todo:
        found = todo.pop(0)
        if listed := [variable for variable in getattr(found, "variables", ()) if _is_weight(variable)]:
            return listed
        single += [found] if _is_weight(found) else []
        for child in _children(found):
            if id(child) not in seen and len(seen) < MOST_OBJECTS:
                seen.add(id(child))
                todo.append(child)
    return single


def _children(found: Any) -> list[Any]:
    """Return the objects that a loaded one holds, by the names under which it was saved."""
    children = getattr(found, "_self_unconditional_checkpoint_dependencies", ())
    return [child.ref for child in children if child.name != "signatures"]


def _is_weight(found: Any) -> bool:
    """Say whether an object is a variable of a network, not one that counts steps or belongs to training."""
    name, dtype = getattr(found, "name", None), getattr(found, "dtype", None)
    if not isinstance(name, str) or not hasattr(found, "numpy") or not getattr(dtype, "is_floating", False):
        return False
    return "optimizer" not in name.lower()


def _resolve(handle: str) -> str:
    """Have TensorFlow Hub bring what a handle names; return its folder."""
    hub = package("tensorflow_hub", "a TensorFlow Hub handle")
    try:
        folder: str = hub.resolve(handle)
    except (OSError, ValueError, RuntimeError, tarfile.TarError) as error:
        raise DownloadError(
            f"cannot fetch {handle}: {error}; where there is no network, fetch its .tar.gz by hand and import that"
        ) from error
    return folder


def _facts(call: Any) -> dict[str, Any]:
    """Return the side where the graph has only one."""
    side = call.structured_input_signature[1]["image"].shape[2]
    return {"side_px": int(side)} if side else {}


def _run(model: Any, call: Any, clip: Array) -> Trace:
    specs = {name: spec for name, spec in call.structured_input_signature[1].items() if name.startswith(STATE)}
    if not specs:
        return clip_trace(lambda image: next(iter(call(image=image).values())), clip)

    def step(inputs: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        found = call(**inputs)
        return found["logits"], {name: found[name] for name in specs}

    return stream_trace(step, _blank(model, specs, clip.shape[-1]), clip)


def _blank(model: Any, specs: Mapping[str, Any], side: int) -> Mapping[str, Any]:
    """Return the states of a stream that has seen nothing; a graph of one fixed size has no signature for them."""
    if "init_states" in model.signatures:
        signature = model.signatures["init_states"]
        [argument] = signature.structured_input_signature[1]
        return dict(signature(**{argument: np.array([1, 1, side, side, 3], np.int32)}))
    return {name: np.zeros(tuple(spec.shape), spec.dtype.as_numpy_dtype) for name, spec in specs.items()}
