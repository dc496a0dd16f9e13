"""A process that tells a webhook one event after the other, until it is killed.

    python -m tests.server.outputs.teller FOLDER URL RUN

prints the id of each event as soon as the output has taken it.
"""

import itertools
import sys
import time
from pathlib import Path

from stream.server.configuration import outlets
from stream.server.outputs.base import OutputSettings, Told
from tests.server.outputs import telling


def main(folder: str, url: str, run: str) -> None:
    values = {"url": url, "spool": "hook.spool"}
    settings = OutputSettings(name="hook", kind="webhook", sources=("door",), folder=Path(folder), values=values)
    with outlets.build(settings) as output:
        for number in itertools.count():
            name = f"{run}-{number}"
            row = {"id": name, "kind": "event", "phase": "begin", "label": "wave"}
            output.take(Told("door", telling.begin(number), (row,)))
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()
            time.sleep(0.002)


if __name__ == "__main__":
    main(*sys.argv[1:])
