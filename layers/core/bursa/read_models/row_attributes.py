"""How a row's fields become DynamoDB attributes: by the type that each is annotated with."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

_KINDS: dict[type, str] = {str: "S", int: "N", bool: "BOOL", bytes: "B", frozenset: "SS"}
_plans: dict[type[msgspec.Struct], tuple[tuple[str, str, bool], ...]] = {}


def plan(row_type: type[msgspec.Struct]) -> tuple[tuple[str, str, bool], ...]:
    """Name, attribute type and whether it must be there, for each field; worked out once."""
    known = _plans.get(row_type)
    if known is None:
        known = _plans[row_type] = tuple(_describe(row_type))
    return known


def _describe(row_type: type[msgspec.Struct]) -> Iterator[tuple[str, str, bool]]:
    hints = get_type_hints(row_type)
    for field in msgspec.structs.fields(row_type):
        hint = hints[field.name]
        if isinstance(hint, UnionType):
            hint = next(kind for kind in get_args(hint) if kind is not type(None))
        plain = getattr(hint, "__supertype__", hint)  # of Ticks, Lots and Units
        yield field.name, _KINDS[get_origin(plain) or plain], field.required


def write_attribute(kind: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any attribute type
    """Return a value as an attribute of a kind."""
    if kind == "N":
        return {"N": str(int(value))}
    if kind == "SS":
        return {"SS": sorted(value)}
    return {kind: value}


def read_attribute(kind: str, value: Any) -> Any:  # noqa: ANN401 - any attribute type
    """Return the value of an attribute of a kind."""
    if kind == "N":
        return int(value)
    if kind == "SS":
        return frozenset(value)
    if kind == "B":
        return bytes(value)
    return value
