"""What stream-serve allows its clients: one flag a limit."""

from typing import Annotated

import typer

LIMITS = "What is allowed"

Streams = Annotated[
    int, typer.Option(min=1, help="Count of streams open at once; more are refused.", rich_help_panel=LIMITS)
]
PerClient = Annotated[
    int,
    typer.Option(min=1, help="Count of these of one token, certificate or address.", rich_help_panel=LIMITS),
]
Megabytes = Annotated[
    int, typer.Option(min=1, max=1024, help="Megabytes: largest message taken.", rich_help_panel=LIMITS)
]
Megapixels = Annotated[
    float, typer.Option(min=0.001, max=1000, help="Millions of pixels: largest picture taken.", rich_help_panel=LIMITS)
]
Idle = Annotated[
    float,
    typer.Option(
        min=0, help="Seconds: streams without a frame for this long are ended; 0: never.", rich_help_panel=LIMITS
    ),
]
Age = Annotated[
    float,
    typer.Option(
        "--max-connection-age-s",
        min=0,
        help="Seconds: older connections take no new streams and close after their own; 0: never.",
        rich_help_panel=LIMITS,
    ),
]
Connections = Annotated[
    int,
    typer.Option(
        min=0,
        max=100_000,
        help="Count of connections open at once, of all clients; 0: 1000, or as many as there are files for.",
        rich_help_panel=LIMITS,
    ),
]
ConnectionsEach = Annotated[
    int,
    typer.Option(
        min=0,
        max=100_000,
        help="Count of these of one IPv4 address or IPv6 /64; 0: half of them.",
        rich_help_panel=LIMITS,
    ),
]
DecodeMegabytes = Annotated[
    int,
    typer.Option(
        min=1,
        max=1_000_000,
        help="Megabytes that the decoders of all pushed videos may hold together; a video that needs more is refused.",
        rich_help_panel=LIMITS,
    ),
]
WaitingFrames = Annotated[
    int,
    typer.Option(
        min=1,
        max=1000,
        help="Count of frames of one stream that may wait: packets of a video; of pictures 4, 2 or 32 do, by policy.",
        rich_help_panel=LIMITS,
    ),
]
WaitingMegabytes = Annotated[
    int,
    typer.Option(
        min=1,
        max=1024,
        help="Megabytes of one stream's frames that may wait, where it is more than one frame.",
        rich_help_panel=LIMITS,
    ),
]
FrameAge = Annotated[
    float,
    typer.Option(
        min=0,
        help="Seconds: with the policy LATEST older frames are skipped, whatever a client asks; 0: as it asks.",
        rich_help_panel=LIMITS,
    ),
]
FrameRate = Annotated[
    float,
    typer.Option(
        min=0.1,
        max=1_000_000,
        help="Frames a second that one stream may send: more are held back, or end it with the policy EVERY.",
        rich_help_panel=LIMITS,
    ),
]
Drain = Annotated[
    float,
    typer.Option(
        min=0,
        help="Seconds that open streams have to end after SIGTERM or Ctrl-C; the process goes a second or two later.",
        rich_help_panel=LIMITS,
    ),
]
