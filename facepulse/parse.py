"""Decoded JSON -> frozen dataclasses by their annotations; fields that a newer service adds are passed over."""

import dataclasses
import types
import typing
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class UnexpectedShape(ValueError):
    """The JSON is not what the annotations say; the message names the field."""


def parse(kind: type[T], value: object) -> T:
    """Build a dataclass from a decoded JSON object. Raises UnexpectedShape."""
    return typing.cast(T, _convert(kind, value, kind.__name__))


def _convert(kind: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _object(typing.cast(type, kind), value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _convert(_without_none(arguments), value, where)
    if origin is tuple:
        _require(isinstance(value, list), where)
        return tuple(_convert(arguments[0], item, where) for item in value)
    if origin is dict:
        _require(isinstance(value, dict), where)
        return {name: _convert(arguments[1], item, f"{where}.{name}") for name, item in value.items()}
    if origin is typing.Literal:
        kind = str  # a value that a newer service adds is no reason to fail
    return _plain(kind, value, where)


def _object(kind: type, value: Any, where: str) -> Any:
    _require(isinstance(value, dict), where)
    hints = _hints(kind)
    known = {name: _convert(hints[name], value[name], f"{where}.{name}") for name in hints if name in value}
    try:
        return kind(**known)
    except TypeError as error:
        raise UnexpectedShape(f"{where} lacks a field") from error


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _plain(kind: Any, value: Any, where: str) -> Any:
    if kind is datetime:
        return _time(value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    _require(isinstance(value, kind) and not (kind is int and isinstance(value, bool)), where)
    return value


def _time(value: Any, where: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise UnexpectedShape(f"{where} is no time") from error


def _without_none(arguments: tuple[Any, ...]) -> Any:
    return next(each for each in arguments if each is not types.NoneType)


def _require(fits: bool, where: str) -> None:
    if not fits:
        raise UnexpectedShape(f"{where} is not of the kind expected")
