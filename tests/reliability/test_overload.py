"""A server whose cameras give more than it can step: late is not absent."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from stream import cards
from stream.exporters.onnx import encode
from stream.nets import movinet
from stream.v1 import recognition_pb2 as pb
from tests import clips, encoding
from tests.reliability.watcher import Watcher, is_update
from tests.server import live
from tests.server.live import CARD, wait_for
from tests.sources import web_camera

COUNT = 12
"""Cameras of 25 frames a second, of which the model wants ten each: several times what one worker steps."""
WORDS = re.compile(
    r"this machine is too slow for it: (\d+\.\d) of (\d+\.\d) frames a second are used, "
    r"labels come up to \d+\.\d s late"
)


def write_large_model(folder: Path) -> Path:
    card = replace(CARD, name="large", variant="a0", side_px=512)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        content = encode(movinet.build(card).eval(), card)
    (folder / "large.onnx").write_bytes(content)
    card = replace(card, weights="large.onnx", sha256=hashlib.sha256(content).hexdigest())
    (folder / "large.toml").write_text(cards.dump(card))
    return folder / "large.toml"


@pytest.mark.slow
def test_a_machine_that_steps_too_slowly_says_so_and_opens_no_camera_anew(tmp_path: Path) -> None:
    film = encoding.encode(tmp_path / "a.mp4", map(clips.square, range(25)), 25)
    model, config = write_large_model(tmp_path), tmp_path / "stream.toml"
    with web_camera.serving(film, tmp_path) as (address, camera):
        sources = (f'[source.c{number}]\nuri = "{address}/{number}"\n' for number in range(COUNT))
        config.write_text("\n".join(sources))
        with (
            live.running(model, "--config", str(config), "--workers", "1") as server,
            Watcher(server, "c0") as watcher,
        ):
            first_s = watcher.wait(is_update, limit_s=60)
            wait_for(lambda: bool(WORDS.search(watcher.standing().last_error)), 90)
            found = WORDS.search(watcher.standing().last_error)
            assert found
            assert 2 * float(found[1]) < float(found[2]) <= CARD.fps
            wait_for(lambda: len(watcher.updates()) > 5, 60)
            last_s = watcher.said[-1][0]
            with server.channel() as channel:
                all_of_them = live.rpc.RecognitionServiceStub(channel).ListSources(pb.ListSourcesRequest(), timeout=60)
            assert {one.state for one in all_of_them.sources} == {pb.SOURCE_STATE_LIVE}
            assert {one.reconnect_count for one in all_of_them.sources} == {0}
            assert watcher.standing().fps_in > watcher.standing().fps_out
            offsets = [update.offset.ToMicroseconds() / 1e6 for update in watcher.updates()]
        camera.kill()
        assert camera.stdout
        calls = [line for line in camera.stdout.read().splitlines() if line.startswith("/")]
        assert len(calls) <= 2 * COUNT, "a look whether it sends elsewhere, and the film"
    assert not [line for line in server.log if "failed" in line or "stalled" in line]
    assert offsets[-1] - offsets[0] > 0.5 * (last_s - first_s), "the newest frame is used, not the next one"
