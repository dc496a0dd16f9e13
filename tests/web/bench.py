"""The step in Chromium against the step in Python: the same file in ONNX Runtime, in turns, as ratios.

    python -m tests.web.bench [ROUNDS]

Prints, for WebAssembly with one thread and with two, the ratio of the lowest and of the median step to the native one.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from stream.server.web import page
from tests.web.chromium import Tab, browsing
from tests.web.test_page import serving

STEPS = 20
"""Count of steps in a turn."""

PREPARE = """
(async () => {
  const [{ load }, { Stream }] = await Promise.all([import("./engine.js"), import("./step.js")]);
  const model = await (await fetch("model/model.json")).json();
  const { ort, session } = await load(new Uint8Array(await (await fetch(`model/${model.file}`)).arrayBuffer()));
  const stream = new Stream(ort, session, model), image = stream.tensor("image").data.fill(0.5);
  window.turn = async (count) => {
    const spent = [];
    for (let i = 0; i < count; i++) {
      const begin = performance.now();
      await stream.step(image, i / model.fps);
      spent.push(performance.now() - begin);
    }
    return spent;
  };
  await turn(count);
})()
"""


class Native:
    """The file in Python, one thread."""

    def __init__(self) -> None:
        served = page.files(None)
        self.model: dict[str, Any] = json.loads(served["model/model.json"].read_text("utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        file = str(served[f"model/{self.model['file']}"])
        self._session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
        self._takes = {name: np.full(shape, 0.5, np.float32) for name, shape in self.model["inputs"].items()}

    def turn(self, count: int) -> list[float]:
        """Step; return the milliseconds of each."""
        spent = []
        for _ in range(count):
            begin_ns = time.perf_counter_ns()
            self._session.run(None, self._takes)
            spent.append((time.perf_counter_ns() - begin_ns) / 1e6)
        return spent


async def measure(tab: Tab, native: Native, rounds: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of the browser's steps and of the native ones, taken in turns."""
    browser: list[float] = []
    ours: list[float] = []
    await tab.ask(PREPARE.replace("count);\n})()", f"{STEPS});\n}})()"))
    for _ in range(rounds):
        browser += await tab.ask(f"turn({STEPS})")
        ours += native.turn(STEPS)
    return browser, ours


async def main(address: str, rounds: int) -> None:
    native = Native()
    native.turn(STEPS)
    for threads in (1, 2):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            camera = Path(folder, "none.y4m")  # the page finds no camera, so that nothing but this steps
            async with browsing(Path(folder), camera) as tab:
                await tab.open(f"{address}?engine=wasm&threads={threads}")
                await tab.wait("document.getElementById('status')?.classList.contains('error')", 240)
                browser, ours = await measure(tab, native, rounds)
        lowest, middle = min(browser) / min(ours), statistics.median(browser) / statistics.median(ours)
        said = f"lowest {min(browser):.2f} ms, {lowest:.2f} of native; "
        said += f"median {statistics.median(browser):.2f} ms, {middle:.2f}"
        print(f"WebAssembly, {threads} thread(s): {said}")  # noqa: T201


if __name__ == "__main__":
    with serving() as (found, _):
        asyncio.run(main(found, int(sys.argv[1]) if sys.argv[1:] else 20))
