"""Where every program begins: what a command needs is imported from here, and Ctrl-C is quiet all the while.

Names of files and of labels, and what files say, are UTF-8 whatever the locale is. Python takes them so in the locale
C, too, unless it is told not to (`PYTHONUTF8=0`); then a program begins again, as nothing else can change that.

Until its work begins (`console.reported`) a program has nothing to clean up, so Ctrl-C ends it on the spot: as an
exception it would come up wherever an import happens to be, some of which turn it into another error.
"""

import codecs
import importlib
import io
import os
import signal
import sys
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
    _know_letters()
    speak()
    try:
        importlib.import_module(f"stream.cli.{name}").main()
    finally:  # what had to be cleaned up is; taking a large library down takes seconds more
        if is_heard:
            signal.signal(signal.SIGINT, leave)


def listen() -> None:
    """Let Ctrl-C raise KeyboardInterrupt from now on, for what is to be cleaned up."""
    if signal.getsignal(signal.SIGINT) is leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def speak() -> None:
    """Let what is printed be printed, however few letters the locale has: those it lacks are escaped."""
    codecs.register_error("stream", _escaped)
    for file in (sys.stdout, sys.stderr):
        if isinstance(file, io.TextIOWrapper):
            file.reconfigure(errors="stream")


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return the bytes of a file's name as they are, and any other letter as Python would write it."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def _know_letters() -> None:
    """Begin this program again where names of files may have ASCII alone."""
    if codecs.lookup(sys.getfilesystemencoding()).name == "ascii" and not sys.flags.utf8_mode:
        os.environ["PYTHONUTF8"] = "1"  # for those that it starts
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  # ourselves


watch = partial(start, "watch")
report = partial(start, "report")
serve = partial(start, "serve")
export = partial(start, "export")
train = partial(start, "train")
evaluate = partial(start, "evaluate")
models = partial(start, "models")
bench = partial(start, "bench")
