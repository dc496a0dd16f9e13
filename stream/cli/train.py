"""stream-train: make a model, of generated gestures or of your own classes."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from stream import rooms
from stream.cli.console import Version, program
from stream.errors import UsageError

if TYPE_CHECKING:
    from stream.cards import Card

GESTURES = "gestures"
"""The kind of data that is generated, not read."""

YOUR, LEARN, MODEL, STILL, MADE = (
    "Your own clips", "How it learns", "What it is", "Labelled frames of one video", "Generated gestures"
)  # fmt: skip
"""Panels of the help."""

Data = Annotated[
    str,
    typer.Argument(
        help="What to learn from: a folder of CLASS/CLIP.mp4; a CSV with path,label or path,label,start,end (seconds); "
        "Kinetics' own CSV; ActivityNet's JSON; a CSV with frame,label (with --video); or gestures (generated).",
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
    typer.Option("--from", help="Name or card of a model to begin with.", show_default="from scratch"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")]
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

Video = Annotated[
    Path | None, typer.Option(help="The video whose frames DATA labels; begins with --from.", rich_help_panel=STILL)
]
HeadKind = Annotated[
    str, typer.Option("--head", help="linear: the last layer; mlp: the last two.", rich_help_panel=STILL)
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


def train(
    *,
    data: Data,
    out: Out = None,
    begin: Begin = None,
    runs: Runs = Path("runs"),
    resume: Resume = False,
    seed: Seed = 1,
    threads: Threads = 2,
    device: Device = "auto",
    videos: Videos = None,
    group_by: GroupBy = None,
    how: How = "auto",
    validation: Validation = 0.2,
    is_lenient: Lenient = False,
    cache_mb: CacheMb = 1000,
    epochs: Epochs = 40,
    freeze: Freeze = 0,
    patience: Patience = 10,
    keep: Keep = "best",
    length: Length = 4.0,
    batch: Batch = 8,
    rate: Rate = None,
    augment: Augment = 1.0,
    mirror: Mirror = True,
    variant: Variant = None,
    side: Side = None,
    fps: Fps = None,
    memory: Memory = None,
    lighten: Lighten = None,
    video: Video = None,
    head: HeadKind = "linear",
    samples: Streams = None,
    easy: Easy = None,
    as_json: Json = False,
    version: Version = False,  # answers by itself
) -> None:
    """Train a model, export it, compare it with PyTorch and write its card: every other command takes it at once.

    The same seed, data and threads give the same model on the same machine. A run that was killed, or ended by Ctrl-C,
    goes on with --resume.
    """
    rooms.find("runtimes", "torch")  # says how to get what is missing, before anything else
    given = dict(locals())
    del given["version"]
    out = _place(out, data, runs)
    given |= {"out": out, "run": runs / out.stem, "command": shlex.join(["stream-train", *sys.argv[1:]])}
    try:
        card = _train(given)
    except KeyboardInterrupt:
        if (runs / out.stem / "checkpoint.pt").is_file():
            Console(stderr=True).print("stopped; what was learned is saved: the same command with --resume goes on")
        raise
    _tell(out, card, as_json)


def _place(out: Path | None, data: str, runs: Path) -> Path:
    """Return the card's path: a name becomes RUNS/NAME/NAME.toml."""
    out = out or (Path("gestures.toml") if data == GESTURES else Path(Path(data).stem))
    if out.suffix == ".toml":
        return out
    if out.name != str(out) or not out.name.strip("."):
        raise UsageError(f"--out is {out}; accepted: a name, or the path of a .toml")
    return runs / out.name / f"{out.name}.toml"


def _train(given: dict[str, Any]) -> "Card":
    from stream.training import frames  # noqa: PLC0415  # takes torch with it

    if given["data"] == GESTURES:
        return _train_gestures(given)
    if frames.is_table(Path(given["data"])):
        return _train_frames(given)
    if given["video"]:
        raise UsageError(f"--video goes with a CSV whose header is frame,label; {given['data']} is none")
    return _train_own(given)


def _train_gestures(given: dict[str, Any]) -> "Card":
    from stream.training.recipes import Order, train  # noqa: PLC0415

    asked = {"streams": given["samples"], "rate": given["rate"], "easy_share": given["easy"]}
    changes = {name: value for name, value in asked.items() if value is not None}
    return train(
        Order(
            kind=GESTURES,
            out=given["out"],
            runs=given["runs"],
            changes=changes | {"seed": given["seed"], "threads": given["threads"]},
            command=given["command"],
            begin=given["begin"],
            is_resumed=given["resume"],
        )
    )


def _train_frames(given: dict[str, Any]) -> "Card":
    from stream.training.own_frames import Order, train  # noqa: PLC0415

    if not given["video"]:
        raise UsageError(f"{given['data']} labels frames; --video says of which video")
    return train(
        Order(
            table=Path(given["data"]),
            video=given["video"],
            begin=given["begin"] or "gestures-a0",
            out=given["out"],
            run=given["run"],
            command=given["command"],
            head=given["head"],
            seed=given["seed"],
        )
    )


def _train_own(given: dict[str, Any]) -> "Card":
    from stream.training.mixing import MixSettings  # noqa: PLC0415
    from stream.training.own import Order, train  # noqa: PLC0415
    from stream.training.streams import FitSettings  # noqa: PLC0415

    changes = {"variant": "variant", "side": "side_px", "fps": "fps", "memory": "memory_s", "lighten": "lighten"}
    usual, amount = MixSettings(), given["augment"]
    return train(
        Order(
            data=Path(given["data"]),
            out=given["out"],
            run=given["run"],
            command=given["command"],
            begin=given["begin"],
            changes={field: given[name] for name, field in changes.items() if given[name] is not None},
            videos=given["videos"],
            share=given["validation"],
            group_by=given["group_by"],
            how=_one_of("--split", given["how"], ("auto", "random")),
            is_lenient=given["is_lenient"],
            epochs=given["epochs"],
            frozen=given["freeze"],
            patience=given["patience"],
            length_s=given["length"],
            settings=FitSettings(
                batch=given["batch"],
                rate=given["rate"] or (1e-3 if given["begin"] else 2e-3),
                seed=given["seed"],
                threads=given["threads"],
                save_every=20,
                keep=_one_of("--keep", given["keep"], ("best", "last")),
            ),
            mix=MixSettings(
                zoom=min(0.9, usual.zoom * amount),
                light=usual.light * amount,
                speed=usual.speed * amount,
                mirror=usual.mirror * given["mirror"],
            ),
            memory_bytes=given["cache_mb"] * 1_000_000,
            device=_device(given["device"]),
            is_resumed=given["resume"],
        ),
        Console(stderr=True, highlight=False, soft_wrap=True).print,
    )


def _one_of(flag: str, value: str, accepted: tuple[str, ...]) -> str:
    if value not in accepted:
        raise UsageError(f"{flag} is {value!r}; accepted: {', '.join(accepted)}")
    return value


def _device(asked: str) -> str:
    import torch  # noqa: PLC0415

    _one_of("--device", asked, ("auto", "cpu", "cuda"))
    if asked == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device is cuda, and PyTorch finds none; accepted: auto, cpu")
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"


def _tell(out: Path, card: "Card", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"card": str(out), "sha256": card.sha256, "measured": card.measured}))
        return
    figures: dict[str, Any] = next(iter(card.measured.values()), {})
    judged = ""
    if "accuracy" in figures:
        low, high = figures["interval_95"]
        judged = f"held out: {100 * figures['accuracy']:.1f} % right ({100 * low:.1f} to {100 * high:.1f}); "
    Console(highlight=False, soft_wrap=True).print(
        f"{out}: {card.name}, SHA-256 {card.sha256[:12]}; {judged}watch with: stream-watch VIDEO --model {out}"
    )


main = program(train)

if __name__ == "__main__":
    main()
