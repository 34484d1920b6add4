"""The exception tree: codes are unique, errors survive the way between processes."""

import pickle

import pytest

from service.pipeline import errors
from service.pipeline.errors import FacePulseError


def tree(root: type[FacePulseError]) -> list[type[FacePulseError]]:
    return [root, *(below for child in root.__subclasses__() for below in tree(child))]


def test_codes_are_unique() -> None:
    codes = [error.code for error in tree(FacePulseError)]
    assert len(set(codes)) == len(codes)


def test_the_docstring_draws_the_whole_tree() -> None:
    assert errors.__doc__ is not None
    for error in tree(FacePulseError):
        assert error.__name__ in errors.__doc__


@pytest.mark.parametrize("error", tree(FacePulseError))
def test_errors_survive_pickling(error: type[FacePulseError]) -> None:
    copy = pickle.loads(pickle.dumps(error("a reason")))
    assert type(copy) is error
    assert copy.detail == "a reason"
