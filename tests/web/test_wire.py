"""What the page writes Python reads, and the other way round; run by node on the file that the page loads."""

import json
import math
from typing import Any

import pytest

from stream.server.web import page
from stream.v1 import recognition_pb2 as pb
from tests.web.test_same_words import NODE, node

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="no node (Debian: nodejs)"),
    pytest.mark.skipif(not (page.FOLDER / page.WIRE).is_file(), reason="the page was not built: make web"),
]

WRITE = """
    import { DropPolicy, duration, request } from "./wire/protocol.js";
    const config = { dropPolicy: DropPolicy.LATEST, topK: 3, memoryS: Infinity, smoothingS: 0, isCutAware: false };
    const image = Uint8Array.of(255, 216, 0), picture = { case: "image", value: image };
    const frame = { sequence: 2n ** 40n, offset: duration(given.at_s), picture };
    const made = [request("config", config), request("frame", frame)];
    console.log(JSON.stringify(made.map((bytes) => Buffer.from(bytes).toString("hex"))));"""
READ = """
    import { phase, response, seconds } from "./wire/protocol.js";
    const { case: kind, value } = response(Buffer.from(given, "hex"));
    const events = value.events.map((event) => [event.label, phase(event), seconds(event.beginOffset)]);
    const labels = value.labels.map(({ name, probability }) => [name, probability]);
    const [sequence, rate] = [Number(value.sequence), Number(value.drops.rate)];
    console.log(JSON.stringify([kind, sequence, seconds(value.age), labels, events, rate]));"""


@pytest.mark.parametrize("at_s", [0.0, 0.1, 12.345678, 59.999999, 86_400.5])
def test_python_reads_what_the_page_writes(at_s: float) -> None:
    config, frame = (pb.RecognizeRequest.FromString(bytes.fromhex(found)) for found in node(WRITE, {"at_s": at_s}))
    assert config.config == pb.Config(
        drop_policy=pb.DROP_POLICY_LATEST, top_k=3, memory_s=math.inf, smoothing_s=0, is_cut_aware=False
    )
    assert config.config.HasField("smoothing_s"), "nothing is not 0"
    assert config.config.HasField("is_cut_aware")
    assert not config.config.HasField("max_age_s")
    assert frame.frame.image == b"\xff\xd8\x00"
    assert frame.frame.sequence == 2**40
    assert frame.frame.offset.ToMicroseconds() == round(at_s * 1e6)


def test_the_page_reads_what_python_writes() -> None:
    update = pb.Update(sequence=7, labels=[pb.Label(name="wave", probability=0.5)], drops=pb.Drops(rate=3))
    update.age.FromMicroseconds(12_500)
    event: Any = update.events.add(label="wave", phase=pb.PHASE_BEGIN)
    event.begin_offset.FromMicroseconds(1_250_000)
    found = node(READ, pb.RecognizeResponse(update=update).SerializeToString().hex())
    assert found == json.loads(json.dumps(["update", 7, 0.0125, [["wave", 0.5]], [["wave", "BEGIN", 1.25]], 3]))
