"""stream-train: make a model, of generated gestures or of your own classes."""

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table as Grid
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from stream import rooms
from stream.cli import trainflags as flags
from stream.cli.console import Version, reported
from stream.cli.record import record
from stream.cli.teach import teach
from stream.errors import UsageError
from stream.training.tables import is_table
from stream.words import of_file

if TYPE_CHECKING:
    from stream.cards import Card

GESTURES, EVERYDAY = "gestures", "everyday"
"""The kind of data that is generated, not read; and the recipe of `everyday-a0`."""

MEANT = {
    "generated gestures": ({flags.MADE}, ("rate", "resume", "threads")),
    "everyday actions": ({flags.EVERYDAY}, ("footage", "videos", "rate", "resume", "threads")),
    "labelled frames": ({flags.STILL}, ()),
    "clips": ({flags.YOUR, flags.LEARN, flags.MODEL}, ("resume", "threads", "device")),
}
"""Kind of data -> the panels of flags that mean something for it, and single flags of other panels or of none."""

ALWAYS = ("data", "out", "begin", "runs", "force", "seed", "as_json", "version")
"""Flags of no panel that mean something for every kind."""


def train(
    *,
    context: typer.Context,
    data: flags.Data,
    out: flags.Out = None,
    begin: flags.Begin = None,
    runs: flags.Runs = Path("runs"),
    resume: flags.Resume = False,
    force: flags.Force = False,
    seed: flags.Seed = 1,
    threads: flags.Threads = 2,
    device: flags.Device = "auto",
    videos: flags.Videos = None,
    group_by: flags.GroupBy = None,
    how: flags.How = "auto",
    validation: flags.Validation = 0.2,
    is_lenient: flags.Lenient = False,
    cache_mb: flags.CacheMb = 1000,
    epochs: flags.Epochs = 40,
    freeze: flags.Freeze = 0,
    patience: flags.Patience = 10,
    keep: flags.Keep = "best",
    length: flags.Length = 4.0,
    batch: flags.Batch = 8,
    rate: flags.Rate = None,
    augment: flags.Augment = 1.0,
    mirror: flags.Mirror = True,
    variant: flags.Variant = None,
    side: flags.Side = None,
    fps: flags.Fps = None,
    memory: flags.Memory = None,
    background: flags.Background = None,
    lighten: flags.Lighten = None,
    video: flags.Video = None,
    head: flags.HeadKind = "linear",
    samples: flags.Streams = None,
    easy: flags.Easy = None,
    frozen: flags.Frozen = None,
    footage: flags.Footage = None,
    batches: flags.Batches = 80,
    as_json: flags.Json = False,
    version: Version = False,  # answers by itself
) -> None:
    """Train a model, export it, compare it with PyTorch and write its card: every other command takes it at once.

    The same seed, data and threads give the same model on the same machine. A run that was killed, or ended by Ctrl-C,
    goes on with --resume. `record` makes clips of your own before a camera; `teach` teaches a model your clips in a
    minute.
    """
    given = {name: value for name, value in locals().items() if name not in ("context", "version")}
    kind = _kind(data)
    _refuse_stray(context, data, kind)
    out = flags.place(out, data, runs)
    command = of_file(shlex.join(["stream-train", *sys.argv[1:]]))
    given |= {"kind": kind, "out": out, "run": runs / out.stem, "command": command}
    try:
        with rooms.needing("stream-train", "train"):
            card = _train(given)
    except KeyboardInterrupt as error:
        if (runs / out.stem / "checkpoint.pt").is_file():
            there = f"; the best so far: {out}" if hasattr(error, "course") else ""  # a `stopping.Stopped`
            Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(
                f"stopped; what was learned is saved: the same command with --resume goes on{there}"
            )
        raise
    _tell(out, card, as_json)


def _kind(data: str) -> str:
    """Say which of `MEANT` the data is."""
    generated, actions, frames, clips = MEANT
    if data in (GESTURES, EVERYDAY):
        return generated if data == GESTURES else actions
    return frames if is_table(Path(data)) else clips


def _refuse_stray(context: typer.Context, data: str, kind: str) -> None:
    """Refuse flags that mean nothing for this data, rather than not listen to them."""
    panels, others = MEANT[kind]
    for parameter in context.command.params:
        panel, name = getattr(parameter, "rich_help_panel", None), parameter.name or ""
        source = context.get_parameter_source(name)
        is_given = source is not None and source.name == "COMMANDLINE"
        if not is_given or panel in panels or name in others or (not panel and name in ALWAYS):
            continue
        if panel == flags.STILL:
            raise UsageError(f"{parameter.opts[0]} goes with a CSV whose header is frame,label; {data} is none")
        raise UsageError(
            f"{parameter.opts[0]} means nothing for {kind}, which {data} is; accepted: {_flags(context, kind)}"
        )


def _flags(context: typer.Context, kind: str) -> str:
    """List the flags that mean something for a kind of data."""
    panels, others = MEANT[kind]
    found = [
        parameter.opts[0]
        for parameter in context.command.params
        if getattr(parameter, "rich_help_panel", None) in panels or parameter.name in (*others, *ALWAYS)
    ]
    return ", ".join(name for name in found if name.startswith("--"))


def _train(given: dict[str, Any]) -> "Card":
    from stream.training import recipes  # noqa: PLC0415  # takes torch with it

    if given["resume"] and (card := recipes.finished(given["run"], given["out"])):
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(
            f"the run in {given['run']} is finished: nothing was left to do, and nothing was changed; to learn on from "
            f"it: --from {given['out']} and another --out"
        )
        return card
    generated, actions, frames, _ = MEANT
    makers = {generated: _train_gestures, actions: _train_everyday, frames: _train_frames}
    return makers.get(given["kind"], _train_own)(given)


def _train_everyday(given: dict[str, Any]) -> "Card":
    from stream.training.everyday.recipe import Order, train  # noqa: PLC0415
    from stream.training.everyday.tune import TuneSettings  # noqa: PLC0415

    if not given["footage"] or not given["begin"]:
        raise UsageError(f"{EVERYDAY} needs --footage, what it learns from, and --from, a model of Kinetics-600")
    rate = {"rate": given["rate"]} if given["rate"] else {}
    return train(
        Order(
            begin=given["begin"],
            footage=given["footage"],
            videos=given["videos"],
            out=given["out"],
            run=given["run"],
            settings=TuneSettings(batches=given["batches"], seed=given["seed"], **rate),
            threads=given["threads"],
            command=given["command"],
            is_resumed=given["resume"],
            is_forced=given["force"],
        ),
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print,
    )


def _train_gestures(given: dict[str, Any]) -> "Card":
    from stream.training.recipes import Order, train  # noqa: PLC0415

    asked = {
        "streams": given["samples"],
        "rate": given["rate"],
        "easy_share": given["easy"],
        "frozen_share": given["frozen"],
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    if given["begin"] == "auto":
        raise UsageError("--from auto looks at clips of your own; gestures begin with none or one; accepted: its name")
    return train(
        Order(
            kind=GESTURES,
            out=given["out"],
            runs=given["runs"],
            changes=changes | {"seed": given["seed"], "threads": given["threads"]},
            command=given["command"],
            begin=given["begin"],
            footage=given["footage"],
            is_resumed=given["resume"],
            is_forced=given["force"],
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
            begin=given["begin"] or "auto",
            out=given["out"],
            run=given["run"],
            command=given["command"],
            head=given["head"],
            seed=given["seed"],
            is_forced=given["force"],
        ),
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print,
    )


def _train_own(given: dict[str, Any]) -> "Card":
    from stream.training.mixing import MixSettings  # noqa: PLC0415
    from stream.training.own import Order, find_device, train  # noqa: PLC0415
    from stream.training.streams import FitSettings  # noqa: PLC0415

    fields = {"variant": "variant", "side": "side_px", "fps": "fps", "memory": "memory_s", "lighten": "lighten"}
    changes = {field: given[name] for name, field in fields.items() if given[name] is not None}
    if given["background"]:
        changes["background"] = tuple(given["background"])
    if given["freeze"] and not given["begin"]:
        raise UsageError("--freeze leaves fresh weights as they are, and those know nothing; accepted: with --from")
    usual, amount = MixSettings(), given["augment"]
    return train(
        Order(
            data=Path(given["data"]),
            out=given["out"],
            run=given["run"],
            command=given["command"],
            begin=given["begin"],
            changes=changes,
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
            device=find_device(_one_of("--device", given["device"], ("auto", "cpu", "cuda"))),
            is_resumed=given["resume"],
            is_forced=given["force"],
        ),
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print,
    )


def _one_of(flag: str, value: str, accepted: tuple[str, ...]) -> str:
    if value not in accepted:
        raise UsageError(f"{flag} is {value!r}; accepted: {', '.join(accepted)}")
    return value


def _tell(out: Path, card: "Card", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"card": str(out), "sha256": card.sha256, "measured": card.measured}))
        return
    figures: dict[str, Any] = next(iter(card.measured.values()), {})
    judged = ""
    if "accuracy" in figures:
        ends = " to ".join(f"{100 * end:.1f}" for end in figures["interval_95"]) or "one recording"
        judged = f"held out: {100 * figures['accuracy']:.1f} % right ({ends}); "
    elif figures:
        judged = f"{figures['note']}; "
    Console(highlight=False, soft_wrap=True, markup=False).print(
        f"{out}: {card.name}, SHA-256 {card.sha256[:12]}; {judged}watch with: stream-watch VIDEO --model {out}"
    )


class _Programs(TyperGroup):
    """Takes what is no command's name as what to learn from: `stream-train clips` is `stream-train learn clips`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the usual command before arguments that begin with none."""
        is_named = bool(args) and args[0] in self.commands
        return super().parse_args(ctx, args if is_named else ["learn", *args])


class _Nameless(typer.Context):
    """Of a command whose name `_Programs` puts in: people neither type nor see it."""

    @property
    def command_path(self) -> str:
        """Say how the command is called."""
        return self.parent.command_path if self.parent else super().command_path


class _Usual(TyperCommand):
    """The command that has no name of its own for people; its help lists those that have."""

    context_class = _Nameless

    def get_usage(self, ctx: Any) -> str:
        """Say how it is called."""
        return f"Usage: {ctx.command_path} [OPTIONS] DATA"

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, and a panel with the other commands."""
        super().format_help(ctx, formatter)
        others = Grid.grid(padding=(0, 2))
        for name, command in COMMANDS.items():
            if command is not train:
                others.add_row(Text(name, "bold cyan"), (command.__doc__ or "").partition("\n")[0])
        panel = Panel(others, title="Other commands, each with --help", title_align="left", border_style="dim")
        Console(highlight=False, markup=False).print(panel)


COMMANDS: dict[str, Callable[..., None]] = {"learn": train, "record": record, "teach": teach}
"""Name -> what it runs."""

main = typer.Typer(add_completion=False, pretty_exceptions_enable=False, cls=_Programs)
for _name, _command in COMMANDS.items():
    _kind_of = _Usual if _command is train else None
    main.command(_name, cls=_kind_of, context_settings={"help_option_names": ["-h", "--help"]})(reported(_command))

if __name__ == "__main__":
    main()
