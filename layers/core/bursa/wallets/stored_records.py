"""Records of the wallets as JSON keeps them: what is written is read as the same record.

Fields are stored under their names, ids as their texts, bytes as hexadecimal digits, and where a
field is one of several classes, with the class's name. Whole numbers may be of any size and are
never read from anything else. A field that a stored row lacks has its default: old rows are read.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from bursa.kernel.identifiers import AccountId, TenantId

Record = TypeVar("Record")
_CLASS: Final = "class"
_IDS: Final = (AccountId, TenantId)


def as_stored(value: Any) -> Any:  # noqa: ANN401, PLR0911 - any field of a record
    """Return a record, or a field of one, as JSON keeps it."""
    if value is None or type(value) in {str, int, bool}:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, _IDS):
        return str(value)
    if is_dataclass(value):
        body = {one.name: as_stored(getattr(value, one.name)) for one in fields(value) if one.init}
        return {_CLASS: type(value).__name__, **body}
    if isinstance(value, tuple | list):
        return [as_stored(one) for one in value]
    if isinstance(value, frozenset):
        return sorted(as_stored(one) for one in value)
    if isinstance(value, Mapping):
        return [[as_stored(key), as_stored(one)] for key, one in value.items()]
    raise TypeError(f"{value!r} can't be stored")


def from_stored(kind: type[Record], stored: Any) -> Record:  # noqa: ANN401 - what JSON has
    """Return a record of a class; raises `ValueError` for what is none."""
    read: Record = _read(kind, stored)
    return read


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, stored: Any) -> Any:  # noqa: ANN401, PLR0911 - any field of a record
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return _one_of(parts, stored)
    if origin is tuple and parts[1:] == (...,):
        return tuple(_read(parts[0], one) for one in _list(stored))
    if origin is tuple:
        return tuple(_read(*pair) for pair in zip(parts, _list(stored), strict=True))
    if origin is frozenset:
        return frozenset(_read(parts[0], one) for one in _list(stored))
    if origin is not None:
        return {_read(parts[0], key): _read(parts[1], one) for key, one in _list(stored)}
    kind = getattr(kind, "__supertype__", kind)
    if kind in _IDS:
        return kind.parse(_plain(str, stored))
    if kind is bytes:
        return bytes.fromhex(_plain(str, stored))
    if issubclass(kind, Enum):
        return kind(stored)
    if issubclass(kind, tuple):
        hints = _hints(kind)
        values = zip(hints.values(), _list(stored), strict=True)
        return kind(*(_read(*pair) for pair in values))
    return _record(kind, stored) if is_dataclass(kind) else _plain(kind, stored)


def _one_of(kinds: tuple[Any, ...], stored: Any) -> Any:  # noqa: ANN401 - any field of a record
    if stored is None and NoneType in kinds:
        return None
    others = [one for one in kinds if one is not NoneType]
    if len(others) == 1:
        return _read(others[0], stored)
    name = stored.get(_CLASS) if isinstance(stored, Mapping) else None
    for kind in others:
        if kind.__name__ == name:
            return _record(kind, stored)
    raise ValueError(f"{name} is none of {[one.__name__ for one in others]}")


def _record(kind: Any, stored: Any) -> Any:  # noqa: ANN401 - any class of records
    if not isinstance(stored, Mapping):
        raise ValueError(f"{stored!r} is no {kind.__name__}")  # noqa: TRY004 - a stored value
    hints, values = _hints(kind), {}
    for one in fields(kind):
        if one.name in stored:
            values[one.name] = _read(hints[one.name], stored[one.name])
        elif one.default is MISSING and one.default_factory is MISSING:
            raise ValueError(f"a stored {kind.__name__} lacks {one.name}")
    return kind(**values)


def _plain(kind: type, stored: Any) -> Any:  # noqa: ANN401 - what JSON has
    if type(stored) is not kind:
        raise ValueError(f"{stored!r} is stored where {kind.__name__} is expected")
    return stored


def _list(stored: Any) -> list[Any]:  # noqa: ANN401 - what JSON has
    if not isinstance(stored, list):
        raise ValueError(f"{stored!r} is stored where a list is expected")  # noqa: TRY004
    return stored
