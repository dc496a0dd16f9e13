"""Every parser of a stranger's bytes: whatever they are, an error of ours or none, and soon."""

import random
import time
import zlib

import pytest

from tests.fuzz.mutate import mutated
from tests.fuzz.parsers import CORPUS, PARSERS, tried

COUNT = 150
"""Count of inputs that each is given here; `make chaos` goes on for ten minutes."""
MOST_S = 5.0
"""Seconds of processor time that one input may take."""


def corpus(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def test_every_parser_has_a_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(PARSERS)
    assert all(corpus(name) for name in PARSERS)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", PARSERS)
def test_whatever_bytes_say_it_is_told_in_an_error_of_ours(name: str) -> None:
    seeds = corpus(name)
    rng = random.Random(zlib.crc32(name.encode()))
    for data in [*seeds, *(mutated(seeds, rng) for _ in range(COUNT))]:
        began_s = time.process_time()
        try:
            tried(name, data)
        except Exception as error:
            raise AssertionError(f"{name} given {data[:200]!r} ({len(data)} bytes)") from error
        assert time.process_time() - began_s < MOST_S, data[:200]
