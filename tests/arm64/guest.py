"""Steps a model on the processor it runs on and prints the largest difference from what was expected.

    python guest.py CARD FRAMES.npz ENGINE

FRAMES.npz holds `clips` (T, 3, S, S) and `logits` (T, K), the reference's. Needs numpy and the package, nothing else of
the tests, so that any Arm machine can run it.
"""

import json
import platform
import sys

import numpy as np

import stream


def main(card: str, file: str, engine: str) -> None:
    given = np.load(file)
    recogniser = stream.load(card, runtime=engine)
    state, found = recogniser.init_state(1), []
    for image in given["clips"]:
        logits, state = recogniser.step(image[None, :, None], state)
        found.append(logits[0])
    agree = np.argmax(found, 1) == np.argmax(given["logits"], 1)
    said = {
        "machine": platform.machine(),
        "engine": recogniser.runtime.name,
        "frames": len(found),
        "largest_difference": float(np.abs(np.array(found) - given["logits"]).max()),
        "same_top_1": float(agree.mean()),
    }
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
