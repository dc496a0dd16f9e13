"""Where every program begins: what a command needs is imported from here, and Ctrl-C is quiet all the while.

Until its work begins (`console.reported`) a program has nothing to clean up, so Ctrl-C ends it on the spot: as an
exception it would come up wherever an import happens to be, some of which turn it into another error.
"""

import importlib
import os
import signal
from functools import partial

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def leave(*_: object) -> None:
    """End this process on the spot, without a word."""
    os._exit(INTERRUPTED)


def start(name: str) -> None:
    """Run the program of `stream/cli/NAME.py`."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # else it is ignored, and stays so
    if is_heard:
        signal.signal(signal.SIGINT, leave)
    try:
        importlib.import_module(f"stream.cli.{name}").main()
    finally:  # what had to be cleaned up is; taking a large library down takes seconds more
        if is_heard:
            signal.signal(signal.SIGINT, leave)


def listen() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, for what is to be cleaned up."""
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


watch = partial(start, "watch")
report = partial(start, "report")
serve = partial(start, "serve")
export = partial(start, "export")
train = partial(start, "train")
evaluate = partial(start, "evaluate")
models = partial(start, "models")
bench = partial(start, "bench")
