"""The table of errors and codes."""

import grpc

from stream import errors
from stream.errors import StreamError
from stream.server.wire.status import CODES, code


def tree(root: type[StreamError]) -> set[type[StreamError]]:
    return {root}.union(*(tree(kind) for kind in root.__subclasses__() if kind.__module__ == errors.__name__))


def test_every_error_has_a_row_and_every_row_an_error() -> None:
    assert set(CODES) == tree(StreamError)


def test_the_codes_are_those_drawn_at_the_top_of_the_errors() -> None:
    for line in (errors.__doc__ or "").splitlines():
        name, _, rest = line.strip().partition(" ")
        drawn = rest.rpartition("-> ")[2].split(",")[0].split(" ")[0]
        if drawn in grpc.StatusCode.__members__:
            assert CODES[getattr(errors, name)].name == drawn, name


def test_a_kind_of_somebody_elses_gets_the_code_of_its_nearest_ancestor() -> None:
    class Picky(errors.UnknownPart):
        pass

    assert code(Picky("model", "x", ())) is grpc.StatusCode.NOT_FOUND
    assert code(errors.DecodeError("x")) is grpc.StatusCode.INVALID_ARGUMENT
