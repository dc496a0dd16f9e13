"""What every console script shares: errors in one line, exit codes, `--version`."""

import contextlib
import functools
import logging
import os
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Annotated, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from stream import engines, rooms
from stream.cli.entry import INTERRUPTED, listen, speak
from stream.errors import CutShort, MissingDependency, NotBuilt, StreamError, UsageError

OK, FAILED, USAGE, INCOMPLETE = 0, 1, 2, 3
"""Exit codes: as asked; it could not be done; the caller can fix it; done, but the film was cut short."""

PACKAGE = "movinet-stream"

ENGINE = (
    f"Engine that computes the steps: {', '.join(engines.names())}. auto takes fused where it was built and can run "
    "the model with one thread a step, else onnxruntime."
)
"""Help of every `--runtime`."""

P = ParamSpec("P")
T = TypeVar("T")


def program(command: Callable[..., None]) -> typer.Typer:
    """Make a console script of one function; it is called without arguments."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(reported(command))
    return app


def suite(about: str, **commands: Callable[..., None]) -> typer.Typer:
    """Make a console script of several commands, each called by its name."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True, help=about)
    app.callback(context_settings={"help_option_names": ["-h", "--help"]})(_nothing)
    for name, command in commands.items():
        app.command(name.rstrip("_"), context_settings={"help_option_names": ["-h", "--help"]})(reported(command))
    return app


def reported(command: Callable[P, T]) -> Callable[P, T]:
    """Say errors of ours in one line on stderr and leave with their exit code; leave quietly after Ctrl-C."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            listen()
            speak()
            return _flushed(command(*args, **kwargs))
        except CutShort as error:
            warn(str(error))
            raise typer.Exit(INCOMPLETE) from None
        except StreamError as error:
            fail(str(error))
            raise typer.Exit(USAGE if isinstance(error, UsageError) else FAILED) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _let_go()
            fail("what reads the output has closed it")
            raise typer.Exit(FAILED) from None
        except MemoryError:
            fail("there is not enough memory for this")
            raise typer.Exit(FAILED) from None
        except ImportError as error:
            fail(f"{error.name or 'a package'} cannot be loaded: {error}")
            raise typer.Exit(FAILED) from None
        except OSError as error:
            _let_go()
            name = f" {error.filename}" if error.filename else ""
            fail(f"cannot write{name}: {error.strerror or error}")
            raise typer.Exit(FAILED) from None

    return wrapper


def _flushed(done: T) -> T:
    """Return what it is given, once stdout is written: a full disk is said in a line now, and in a traceback later."""
    sys.stdout.flush()
    return done


def _let_go() -> None:
    """Leave stdout alone, or the last flush would fail once more."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Lines(logging.Handler):
    """Writes to what is stderr at the time: a live table puts itself in its place, so that lines come above it."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


def log_to_stderr() -> None:
    """Let what this package logs, at INFO and above, be plain lines on stderr."""
    logging.basicConfig(handlers=[_Lines()], format="%(message)s")
    logging.getLogger("stream").setLevel(logging.INFO)


def fail(message: str) -> None:
    """Write one red line to stderr."""
    line = " ".join(message.split())
    Console(stderr=True).print(Text(f"error: {line}", "bold red"), soft_wrap=True)


def warn(message: str) -> None:
    """Write one yellow line to stderr: what was asked is done, but something about it is to be known."""
    line = " ".join(message.split())
    Console(stderr=True).print(Text(f"warning: {line}", "yellow"), soft_wrap=True)


def versions() -> str:
    """Name the package and the engines, each with its version or the words "not installed"."""
    found = [f"{PACKAGE} {_version(PACKAGE) or 'of a checkout'}"]
    found += [f"  {name} {_version(name) or _own_version(name)}" for name in rooms.names("runtimes")]
    return "\n".join(found)


def _own_version(engine: str) -> str:
    """Ask an engine that is part of this package; the others are not installed."""
    try:
        module = rooms.find("runtimes", engine)
        return str(module.version()) if hasattr(module, "version") else "not installed"
    except NotBuilt:
        return "not built"
    except MissingDependency:
        return "not installed"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(versions())
        raise typer.Exit(OK)


Version = Annotated[
    bool,
    typer.Option(
        "--version", is_eager=True, callback=_show_version, help="Say the version and the engines found, and leave."
    ),
]


def _nothing(*, version: Version = False) -> None:
    """Take what may stand before a command; the version is said before this runs."""
