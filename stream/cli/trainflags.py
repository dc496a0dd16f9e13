"""The flags of stream-train, in the panels of its help."""

from pathlib import Path
from typing import Annotated

import typer

from stream.errors import UsageError

YOUR, LEARN, MODEL, STILL, MADE, EVERYDAY = (
    "Your own clips", "How it learns", "What it is", "Labelled frames of one video", "Generated gestures",
    "Everyday actions",
)  # fmt: skip
"""Panels of the help."""

Data = Annotated[
    str,
    typer.Argument(
        help="What to learn from: a folder of CLASS/CLIP.mp4; a CSV with path,label or path,label,start,end (seconds); "
        "Kinetics' own CSV; ActivityNet's JSON; a CSV with frame,label (with --video); gestures (generated); or "
        "everyday (a Kinetics model's classes as everyday actions, with --footage).",
        metavar="DATA",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="NAME, for RUNS/NAME/NAME.toml, or the card to write, a .toml. The weights go beside it, as .onnx.",
        show_default="the name of DATA",
    ),
]
Runs = Annotated[Path, typer.Option(help="Folder in which each run has a folder of its own: log, plots, checkpoints.")]
Begin = Annotated[
    str | None,
    typer.Option(
        "--from",
        help="Name or card of a model to begin with; auto takes the one here whose linear probe tells your data best.",
        show_default="from scratch; auto for labelled frames",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")]
Force = Annotated[bool, typer.Option("--force", help="Begin anew where a run or a model of that name is.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides weights, split and data: a whole number, 0 or more.")]
Threads = Annotated[int, typer.Option(min=1, help="Count of processor threads that compute, 1 or more.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]

Videos = Annotated[
    Path | None,
    typer.Option(
        help="Folder in which a CSV's or JSON's videos lie.", show_default="DATA's own folder", rich_help_panel=YOUR
    ),
]
GroupBy = Annotated[
    str | None,
    typer.Option(
        metavar="REGEX",
        help="Regular expression searched for in each path; its first group names the recording (scene, person, day). "
        "A recording is never both learned from and judged by.",
        show_default="as the data says, else by video",
        rich_help_panel=YOUR,
    ),
]
How = Annotated[
    str,
    typer.Option(
        "--split", help="auto, or random: clip by clip, even where names tell recordings.", rich_help_panel=YOUR
    ),
]
Validation = Annotated[
    float, typer.Option(min=0.0, max=0.9, help="Share of the clips to judge by; 0 for none.", rich_help_panel=YOUR)
]
Lenient = Annotated[
    bool, typer.Option("--skip-faulty", help="Leave out missing or unreadable videos.", rich_help_panel=YOUR)
]
CacheMb = Annotated[
    int,
    typer.Option(min=1, help="Megabytes of decoded frames kept in memory; more goes to disk.", rich_help_panel=YOUR),
]

Epochs = Annotated[int, typer.Option(min=1, help="How often each clip is seen, 1 or more.", rich_help_panel=LEARN)]
Freeze = Annotated[
    int,
    typer.Option(
        min=0, help="Epochs, first of all, that learn the last layer alone; with --from.", rich_help_panel=LEARN
    ),
]
Patience = Annotated[
    int,
    typer.Option(
        min=0, help="Epochs without a lower validation loss after which it ends; 0: never.", rich_help_panel=LEARN
    ),
]
Keep = Annotated[
    str, typer.Option(help="best: the weights of the lowest validation loss; or last.", rich_help_panel=LEARN)
]
Length = Annotated[
    float,
    typer.Option(
        min=0.5, max=60.0, help="Seconds of a stream, of clips one after the other, 0.5 to 60.", rich_help_panel=LEARN
    ),
]
Batch = Annotated[int, typer.Option(min=1, help="Count of streams side by side.", rich_help_panel=LEARN)]
Rate = Annotated[
    float | None,
    typer.Option(
        min=1e-6,
        max=1.0,
        help="Learning rate at its highest.",
        show_default="0.002; 0.001 with --from",
        rich_help_panel=LEARN,
    ),
]
Augment = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=2.0,
        help="How much crops, light and speed change: 1 is usual, 0 not at all.",
        rich_help_panel=LEARN,
    ),
]
Mirror = Annotated[
    bool, typer.Option(help="Mirror half of the clips, left and right labels swapped.", rich_help_panel=LEARN)
]

Variant = Annotated[
    str | None,
    typer.Option(help="Member of MoViNet: t0, a0 ... a5.", show_default="a0, or as --from", rich_help_panel=MODEL),
]
Side = Annotated[
    int | None,
    typer.Option(
        min=32,
        max=512,
        help="Pixels: side of the square it sees.",
        show_default="112, or as --from",
        rich_help_panel=MODEL,
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        min=0.5, max=60.0, help="Frames per second it sees.", show_default="10, or as --from", rich_help_panel=MODEL
    ),
]
Memory = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        help="Seconds: time constant of forgetting; inf never.",
        show_default="2, or as --from",
        rich_help_panel=MODEL,
    ),
]
Background = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL",
        help="A class that means nothing of interest: shown, but no event. May be given again.",
        show_default="none, or as --from",
        rich_help_panel=MODEL,
    ),
]
Lighten = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=0.9,
        help="Mean brightness, 0 to 0.9, that darker pictures are raised to, in training and in use; 0: none.",
        show_default="0, or as --from",
        rich_help_panel=MODEL,
    ),
]

Video = Annotated[Path | None, typer.Option(help="The video whose frames DATA labels.", rich_help_panel=STILL)]
HeadKind = Annotated[
    str,
    typer.Option(
        "--head", help="linear: the last layer; mlp: the three layers after the blocks.", rich_help_panel=STILL
    ),
]

Streams = Annotated[
    int | None,
    typer.Option(
        "--samples", min=1, help="Count of streams.", show_default="what the recipe says", rich_help_panel=MADE
    ),
]
Easy = Annotated[
    float | None,
    typer.Option(
        "--easy-share",
        min=0.0,
        max=1.0,
        help="Share of the streams that grow harder.",
        show_default="0.35",
        rich_help_panel=MADE,
    ),
]
Frozen = Annotated[
    float | None,
    typer.Option(
        "--frozen-share",
        min=0.0,
        max=1.0,
        help="Share of the streams, the last ones, during which norms keep what they have seen.",
        show_default="0.5",
        rich_help_panel=MADE,
    ),
]

Footage = Annotated[
    Path | None,
    typer.Option(
        help="Real video to learn from. gestures: a folder in which nobody gestures or crosses the picture, shown by "
        "six streams in a hundred; four in ten of the others are filmed before pictures of it. everyday: a data set "
        "whose clips labelled fight and fall teach these, and all others what they are not.",
        rich_help_panel=MADE,
        show_default="none",
    ),
]
Batches = Annotated[
    int,
    typer.Option(
        min=0,
        help="Count of batches in which every layer is tuned; 0 leaves the network as it is, and writes what is added "
        "to it.",
        rich_help_panel=EVERYDAY,
    ),
]


def place(out: Path | None, data: str, runs: Path) -> Path:
    """Return the card's path: a name becomes RUNS/NAME/NAME.toml."""
    out = out or (Path("gestures.toml") if data == "gestures" else Path(Path(data).stem))
    if out.suffix == ".toml":
        return out
    if out.name != str(out) or not out.name.strip("."):
        raise UsageError(f"--out is {out}; accepted: a name, or the path of a .toml")
    return runs / out.name / f"{out.name}.toml"
