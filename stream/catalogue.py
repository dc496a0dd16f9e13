"""What can be pulled: names, addresses and how each file is verified. Facts only; nothing here opens a connection.

TensorFlow Lite files: Google's own (Apache-2.0), as TensorFlow Hub served them; int8 kernels, ReLU6, no
squeeze-excitation. PyTorch state dicts: github.com/Atze00/MoViNet-pytorch (MIT), converted from Google's release; its
git blob ids verify a download. SavedModels and checkpoints: Google's own (Apache-2.0), as TensorFlow Hub and the Model
Garden serve them; no hash is published, so what they are is proved by running them.
"""

from dataclasses import dataclass, replace

SIDES_PX = {"t0": 160, "a0": 172, "a1": 172, "a2": 224, "a3": 256, "a4": 290, "a5": 320}
RATES_FPS = {"t0": 5.0, "a0": 5.0, "a1": 5.0, "a2": 5.0, "a3": 12.0, "a4": 8.0, "a5": 12.0}
LARGE = ("a3", "a4", "a5")
"""Variants whose stream nets the port does not have."""
SECONDS = 10
"""Length of a training clip; times the rate, it is the count of frames the positional index was trained on."""

PORT = "https://raw.githubusercontent.com/Atze00/MoViNet-pytorch/c2d1edf48fc6c5259707f9d833f22171b4f63493/weights/"
HUB = "https://tfhub.dev/tensorflow/movinet/{variant}/{kind}/kinetics-600/classification/3"
LITE = "lite-model/movinet/{variant}/stream/kinetics-600/classification/tflite/int8/1"
LITE_PLACES = (
    f"https://storage.googleapis.com/tfhub-lite-models/google/{LITE}.tflite",
    f"https://storage.googleapis.com/tfhub-lite-models/tensorflow/{LITE}.tflite",
    f"https://tfhub.dev/tensorflow/{LITE}?lite-format=tflite",
)
"""Where TensorFlow Hub keeps, or kept, a file: tried in turn."""
COPIES = {
    "a0": "https://raw.githubusercontent.com/Leo-Thomas/Transfer-Learning-MoViNet-UCF101/"
    "4f93f4e1ef6df1a43700f0c32d174eb7c84ba4de/code/app/src/main/assets/movinet_a0_stream_int8.tflite"
}
"""Variant -> a copy of the same bytes elsewhere."""
LITE_FILES = {"a0": (3_276_048, "6125b36e2485eeb5cc1fd6206cf5e5d70235593fbc84610d1dce97fe3aa9c2ac")}
"""Variant -> bytes and SHA-256 of its file; what the others have is not known."""
LITE_STORED = {"a0": 3.0}
"""Variant -> megabytes that its weights have here: an eleventh less than the file, whose graph is not kept."""
LITE_MEMORY_S = 1.0
"""Seconds, of Kinetics-600 without squeeze-excitation, pulled or imported: on a camera that runs on, what never forgets
stops to answer (docs/memory.md)."""

GARDEN = "https://storage.googleapis.com/tf_model_garden/vision/movinet/movinet_{variant}_{kind}.tar.gz"

BLOBS = {
    "modelA0_stream_statedict_v3": "1b467adcbf00040713526ec927b3fbfd5aaac487",
    "modelA1_stream_statedict_v3": "85acc3e843b293c3a26c7baabd0af711073c1fb7",
    "modelA2_stream_statedict_v3": "fdf1c2e57d36d86607b9b29063ab798eabc1bb83",
    "modelA0_statedict_v3": "8c3bf9376a49d9db72709d5fb60bd0a635069044",
    "modelA1_statedict_v3": "b0cd3abd2ea411382e8e999c7d2cdf2992728d2a",
    "modelA2_statedict_v3": "999f187b11ee6d477c5f3c8141119d8183c0e072",
    "modelA3_statedict_v3": "dd9a1b1e5cf46068d0beb3d6edc5c3f0c350f694",
    "modelA4_statedict_v3": "34e8b8c2c9488bc14161ffacae58fa94b6791f43",
    "modelA5_statedict_v3": "fce6b0ac5636ed15419ebcaaa6a6067838d2591a",
}
"""File of the port at that commit -> its git blob id."""

EVERYDAY = "everyday-a0-k600"
"""The small A0 as everyday actions: its classes added up, and rows that this project ships."""

MEGABYTES = {
    "stream": {"a0": 15.1, "a1": 25.9, "a2": 29.5, "a3": 44.2, "a4": 72.9, "a5": 126.5},
    "base": {"a0": 12.5, "a1": 18.9, "a2": 21.1, "a3": 29.8, "a4": 45.7, "a5": 75.1},
}
"""Of the weights as float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model's weights are, and in which form."""

    address: str
    """Of the file."""
    form: str
    """The importer that reads it."""
    git_blob: str = ""
    """Git blob id of the file; empty where none is known."""
    sha256: str = ""
    """SHA-256 of the file, hexadecimal; empty where it is not known."""
    size: int = 0
    """Bytes of the file; 0 where it is not known."""
    gate: str = ""
    """The gate of the weights; empty where running the file tells."""
    memory_s: float | None = None
    """Seconds: the card's memory; None: that of the file, which never forgets."""
    licence: str
    """SPDX identifier."""
    source: str
    """Where the weights come from, in words."""

    @property
    def is_hash_needed(self) -> bool:
        """Whether whoever pulls must say which file it is: nothing here tells, nor does running it."""
        return self.form == "tflite" and not self.sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A model that can be pulled."""

    name: str
    """What it is called once it is here."""
    variant: str
    """a0 ... a6."""
    kind: str
    """stream or base."""
    megabytes: float | None
    """Of the weights as they will lie here: float32, of a TensorFlow Lite file int8; None where it is not known."""
    places: tuple[Place, ...] = ()
    """Where its weights are: the second is tried where the first gives nothing. An ensemble has none."""
    members: tuple[str, ...] = ()
    """Of an ensemble: the models whose logits are averaged."""
    addition: str = ""
    """What this project puts to it, see `stream/hub/additions.py`; empty: nothing."""


def _lite(variant: str) -> Entry:
    """The small form: its file is a fifth of the others', and no PyTorch is needed to bring it."""
    size, sha256 = LITE_FILES.get(variant, (0, ""))
    addresses = [place.format(variant=variant) for place in LITE_PLACES]
    handle = f"tensorflow/{LITE.format(variant=variant)}"
    first = Place(
        address=addresses[0],
        form="tflite",
        sha256=sha256,
        size=size,
        memory_s=LITE_MEMORY_S,
        licence="Apache-2.0",
        source=f"tfhub.dev/{handle}, Google's release for TensorFlow Lite",
    )
    others = [*addresses[1:], *COPIES.get(variant, "").split()]
    places = (first, *(replace(first, address=address) for address in others))
    name = f"movinet-{variant}-stream-k600"
    return Entry(name=name, variant=variant, kind="stream", megabytes=LITE_STORED.get(variant), places=places)


def _entry(variant: str, kind: str, *places: Place, form: str = "") -> Entry:
    name = f"movinet-{variant}-{kind}{form}-k600"
    return Entry(name=name, variant=variant, kind=kind, megabytes=MEGABYTES[kind][variant], places=places)


def _port(variant: str, kind: str) -> Place:
    file = f"model{variant.upper()}_{'stream_' if kind == 'stream' else ''}statedict_v3"
    return Place(
        address=PORT + file,
        form="port",
        git_blob=BLOBS[file],
        gate="clip" if kind == "stream" else "sigmoid",
        licence="MIT",
        source="github.com/Atze00/MoViNet-pytorch at c2d1edf, converted from Google's release",
    )


def _hub(variant: str, kind: str) -> Place:
    handle = HUB.format(variant=variant, kind=kind)
    return Place(
        address=f"{handle}?tf-hub-format=compressed",
        form="savedmodel",
        licence="Apache-2.0",
        source=f"{handle.removeprefix('https://')}, Google's release",
    )


def _garden(variant: str, kind: str) -> Place:
    """A checkpoint does not tell its gate; what was published in 2021 was trained with `clip`."""
    address = GARDEN.format(variant=variant, kind=kind)
    return Place(
        address=address,
        form="checkpoint",
        gate="clip",
        licence="Apache-2.0",
        source=f"{address.removeprefix('https://')}, Google's release",
    )


def _mean(kind: str) -> Entry:
    """A6 is the mean of A4's and A5's logits."""
    return Entry(
        name=f"movinet-a6-{kind}-k600",
        variant="a6",
        kind=kind,
        megabytes=MEGABYTES[kind]["a4"] + MEGABYTES[kind]["a5"],
        members=(f"movinet-a4-{kind}-k600", f"movinet-a5-{kind}-k600"),
    )


ENTRIES = {
    entry.name: entry
    for entry in (
        _lite("a0"),
        replace(_lite("a0"), name=EVERYDAY, addition=EVERYDAY),
        *map(_lite, ("a1", "a2")),
        *(_entry(variant, "stream", _port(variant, "stream"), form="-port") for variant in ("a0", "a1", "a2")),
        *(_entry(variant, "stream", _hub(variant, "stream"), _garden(variant, "stream")) for variant in LARGE),
        _mean("stream"),
        *(_entry(variant, "base", _port(variant, "base")) for variant in ("a0", "a1", "a2", *LARGE)),
    )
}
"""Name -> what can be pulled: the small ones first, of these what can be had as it is, then what needs a hash."""
