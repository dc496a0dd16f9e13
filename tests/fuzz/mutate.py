"""Bytes made of other bytes: turned, cut, doubled, spliced, or with what parsers stumble over put in."""

import random
from collections.abc import Sequence

ODD = (
    *(b"\0", b"\xff", b"\x80" * 9 + b"\x01", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff", b"\xff" * 8, b"\0" * 64),
    *(b"9" * 5000, b"[" * 3000, b"nan", b"-inf", b"1e999", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r\n", b'"""', b"\\u"),
    *(b"../", b"/", b"[", b"://[", b"%00", b"\x1b[2J", b"=", b"\n[x]\n", b","),
)
"""Lengths, numbers, brackets and letters at the border of what is one."""
LONGEST = 100_000
"""Bytes that are made at most."""


def mutated(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """Return one of the seeds, changed in one to eight ways."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        _change(data, rng, seeds)
    return bytes(data[:LONGEST])


def _change(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    at, kind = rng.randrange(len(data) + 1), rng.randrange(7)
    end = min(len(data), at + rng.choice((1, 2, 4, 16, 256)))
    if kind == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1 and at < len(data):
        data[at] = rng.randrange(256)
    elif kind == 2:
        del data[at:end]
    elif kind == 3:
        data[at:at] = data[at:end] * rng.choice((1, 2, 50))
    elif kind == 4:
        data[at:at] = rng.choice(ODD)
    elif kind == 5:
        odd = rng.choice(ODD)
        data[at : at + len(odd)] = odd
    else:
        other = rng.choice(seeds)
        data[at:] = other[rng.randrange(len(other) + 1) :]
