"""Recorded order flow, read as the operations that its traders sent.

A row is one event of the venue's feed (Bitstamp's live orders, as published by R package obadiah):
``id,timestamp,exchange.timestamp,price,volume,action,direction``, volume in 1e-8 of the base asset.

    created   the first one of an id is a limit order
    changed   what the venue's own matching did to an order: a result, not an operation
    deleted   the order is gone: its cancel. With volume 0 the venue had filled it. Where our book
              still holds it (the venue traded with an order the file does not show), it is
              cancelled too, or it would stay for good and trade with later orders.
"""

import csv
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from scripts.client import ToolError

VOLUME_SCALE = 8
SIDES = {"bid": "buy", "ask": "sell"}
FLOW_COLUMNS = {"id", "price", "volume", "action", "direction"}
TAPE_COLUMNS = {"price", "volume"}


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A limit order; decimal strings, as the API takes them."""

    order: str
    side: str
    price: str
    quantity: str


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A cancel of an order placed before."""

    order: str


Operation = PlaceOrder | CancelOrder
Print = tuple[Decimal, Decimal]


def read_flow(path: Path) -> Iterator[Operation]:
    """Yield a recording's operations in the file's order; raises `ToolError` for a bad file."""
    placed: set[str] = set()
    for line, row in _rows(path, FLOW_COLUMNS):
        order, action = row["id"], row["action"]
        if action == "created" and order not in placed:
            placed.add(order)
            yield _place(path, line, row)
        elif action == "deleted" and order in placed:
            yield CancelOrder(order)
        elif action not in {"created", "changed", "deleted"}:
            raise ToolError(f"{path}:{line}: unknown action {action!r}.")


def read_tape(path: Path) -> list[Print]:
    """Read published trades as (price, quantity); raises `ToolError` for a bad file."""
    return [
        (_decimal(path, line, row["price"]), _quantity(path, line, row["volume"]))
        for line, row in _rows(path, TAPE_COLUMNS)
    ]


def _place(path: Path, line: int, row: dict[str, str]) -> PlaceOrder:
    side = SIDES.get(row["direction"])
    if side is None:
        raise ToolError(f"{path}:{line}: direction must be bid or ask, not {row['direction']!r}.")
    price = _decimal(path, line, row["price"])
    quantity = _quantity(path, line, row["volume"])
    return PlaceOrder(row["id"], side, f"{price.normalize():f}", f"{quantity.normalize():f}")


def _rows(path: Path, columns: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file)
            missing = columns - set(reader.fieldnames or ())
            if missing:
                raise ToolError(f"{path} has no column {', '.join(sorted(missing))}.")
            yield from enumerate(reader, start=2)
    except (OSError, lzma.LZMAError, UnicodeDecodeError, csv.Error) as error:
        raise ToolError(f"{path} can't be read: {error}") from None


def _opened(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _decimal(path: Path, line: int, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ToolError(f"{path}:{line}: {text!r} is not a number.") from None
    if not number.is_finite() or number < 0:
        raise ToolError(f"{path}:{line}: {text!r} is not an amount.")
    return number


def _quantity(path: Path, line: int, text: str) -> Decimal:
    return _decimal(path, line, text).scaleb(-VOLUME_SCALE)
