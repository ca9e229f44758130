"""One page of a list, and where the next begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Items in order, and the position after the last one; None when the list ends."""

    items: Sequence[Item]
    next_position: str | None = None
