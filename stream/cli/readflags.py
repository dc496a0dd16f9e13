"""How a stream is read: the flags that stream-watch, stream-report and stream-eval have in common."""

from typing import Annotated

import typer

from stream.config import USUAL as THRESHOLDS
from stream.config import SessionSettings

USUAL = SessionSettings()
READING = "How the stream is read"
OF_CARD = "what the model's card says, else {:g}"

Memory = Annotated[
    float | None,
    typer.Option(
        envvar="STREAM_MEMORY_S",
        help="Seconds, more than 0: time constant of forgetting; inf never forgets.",
        rich_help_panel=READING,
        show_default="what the model's card says",
    ),
]
TopK = Annotated[
    int, typer.Option(envvar="STREAM_TOP_K", help="Count of labels listed, 1 or more.", rich_help_panel=READING)
]
Begin = Annotated[
    float | None,
    typer.Option(
        envvar="STREAM_BEGIN",
        help="Probability in (0, 1] at which an action begins.",
        rich_help_panel=READING,
        show_default=OF_CARD.format(THRESHOLDS.begin_threshold),
    ),
]
End = Annotated[
    float | None,
    typer.Option(
        envvar="STREAM_END",
        help="Probability in (0, BEGIN] below which an action ends.",
        rich_help_panel=READING,
        show_default=OF_CARD.format(THRESHOLDS.end_threshold),
    ),
]
MinDuration = Annotated[
    float | None,
    typer.Option(
        help="Seconds, 0 or more, that an action must last to be told.",
        rich_help_panel=READING,
        show_default=OF_CARD.format(THRESHOLDS.min_duration_s),
    ),
]
Smoothing = Annotated[
    float,
    typer.Option(help="Seconds, 0 or more: time constant of the average over probabilities.", rich_help_panel=READING),
]
MaxGap = Annotated[
    float, typer.Option(help="Seconds, more than 0: a longer pause clears the memory.", rich_help_panel=READING)
]
Cuts = Annotated[
    bool, typer.Option("--cuts/--no-cuts", help="Clear the memory when the scene is cut.", rich_help_panel=READING)
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[+]LABEL",
        help="Label that may be told, and only it; +LABEL: beside all that are told anyway, an experimental one for "
        "instance. May be given again.",
        rich_help_panel=READING,
        show_default="all but background and experimental ones",
    ),
]
Deny = Annotated[
    list[str] | None,
    typer.Option(help="Label never told; may be given again.", rich_help_panel=READING, show_default="none"),
]
