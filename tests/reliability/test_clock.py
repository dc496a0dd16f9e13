"""The wall's clock jumps an hour ahead and back: nothing changes but what log and page say of the time."""

import json
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc
from tests.reliability.watcher import BRISK, Watcher, configure, is_update
from tests.server import live
from tests.server.live import Line, config, film, frame, jpegs, updates

Say = Callable[[str], None]
HOUR_S = 3600
SOURCE = f'[source.door]\nuri = "synthetic://gestures?seconds=inf&size=32x24&fps=10"\nrealtime = true\n{BRISK}'


def clock(folder: Path) -> tuple[str, Path]:
    """Compile a clock that can be moved; return its library and the file that moves it."""
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("a clock that can be moved is compiled: no cc here (Debian: gcc)")
    library, shift = folder / "clock.so", folder / "shift"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source)], check=True)
    shift.write_bytes(struct.pack("q", 0))
    return str(library), shift


def move(shift: Path, seconds: int) -> None:
    with shift.open("r+b") as file:
        file.write(struct.pack("q", seconds))


def test_a_clock_that_jumps_changes_nothing_but_what_is_said_of_the_time(model: Path, tmp_path: Path, say: Say) -> None:
    library, shift = clock(tmp_path)
    flags = (*configure(tmp_path, SOURCE), "--idle-timeout-s", "20", "--log-json")
    with (
        live.running(model, *flags, LD_PRELOAD=library, CLOCK_SHIFT=str(shift)) as server,
        Watcher(server) as watcher,
        server.channel() as channel,
    ):
        pictures = jpegs(40)
        line = Line(config(drop_policy=pb.DROP_POLICY_LATEST, max_age_s=1.0, max_gap_s=2.0))
        call = rpc.RecognitionServiceStub(channel).Recognize(iter(line))
        assert next(call).HasField("configured")
        watcher.wait(is_update)
        said, moved = list[pb.RecognizeResponse](), {10: HOUR_S, 20: -HOUR_S, 30: 0}
        for number, picture in enumerate(pictures):
            if number in moved:
                move(shift, moved[number])
                opened = server.talk([config(), *film(jpegs(3))])  # a stream that begins while the clock is wrong
                assert len(updates(opened)) == 3
                if moved[number]:
                    assert _wall(server) == pytest.approx(time.time() + moved[number], abs=60), "the clock is wrong"
            line.say(frame(number + 1, number / 10, picture))
            said.append(next(call))
            time.sleep(0.1)
        line.close()
        assert next(call).HasField("finished")
        watched, standing = watcher.updates(), watcher.standing()
    ages_s = [one.update.age.ToMicroseconds() / 1e6 for one in said]
    assert [one.WhichOneof("message") for one in said] == ["update"] * len(pictures)
    assert not any(one.update.reset_cause == pb.RESET_CAUSE_GAP for one in said)
    assert max(ages_s) < 1
    steps_s = [(two.offset.ToMicroseconds() - one.offset.ToMicroseconds()) / 1e6 for one, two in pairwise(watched)]
    assert (standing.state, standing.reconnect_count, standing.drops.late) == (pb.SOURCE_STATE_LIVE, 0, 0)
    assert not any(one.reset_cause == pb.RESET_CAUSE_GAP for one in watched)
    assert min(steps_s) > 0
    assert max(steps_s) < 2
    say(
        f"+1 h, -1 h and right again: {len(said)} pushed and {len(watched)} watched updates, no gap, none late, "
        f"age {max(ages_s) * 1e3:.0f} ms at most"
    )


def _wall(server: live.Server) -> float:
    """Return what the server takes the time to be: of the newest line of its log."""
    return datetime.fromisoformat(json.loads(server.log[-1])["time"]).timestamp()
