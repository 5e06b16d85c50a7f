"""IncompleteReadError and LimitOverrunError beside asyncio's, whose names they have."""

import asyncio
import pickle

import pytest

CASES = {
    "IncompleteReadError": [(b"ab", 5), (b"", None)],
    "LimitOverrunError": [("too long", 7)],
}


@pytest.mark.parametrize("name", CASES)
def test_as_in_asyncio(pysock, name):
    for arguments in CASES[name]:
        own, theirs = getattr(pysock, name)(*arguments), getattr(asyncio, name)(*arguments)
        assert vars(own) == vars(theirs)
        assert type(own).__mro__[1:] == type(theirs).__mro__[1:]
        again = pickle.loads(pickle.dumps(own))
        assert (type(again), vars(again), str(again)) == (type(own), vars(own), str(own))
    assert str(pysock.IncompleteReadError(b"ab", 5)) == str(asyncio.IncompleteReadError(b"ab", 5))


def test_each_backend_has_the_same_two(pysock):
    assert issubclass(pysock.IncompleteReadError, EOFError)
    assert {"IncompleteReadError", "LimitOverrunError"} <= set(pysock.EXTENDED)
