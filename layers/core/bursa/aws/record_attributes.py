"""Attributes of business records that pynamodb does not have (DESIGN D16)."""

from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.constants import NUMBER


class WholeNumberAttribute(Attribute[int]):
    """A whole number: money in its smallest unit, a count, a time in milliseconds.

    pynamodb's own attribute of numbers reads ``1.5`` as a float. Anything but an int is refused,
    when it is written and when it is read.
    """

    attr_type = NUMBER

    def serialize(self, value: Any) -> str:  # noqa: ANN401 - whatever a caller assigns
        """Return the number as it is stored; raises `TypeError` for anything but an int."""
        if type(value) is not int:
            raise TypeError(f"A whole number is stored as an int, not as {value!r}.")
        return str(value)

    def deserialize(self, value: str) -> int:
        """Return a stored number; raises `ValueError` for one that is not whole."""
        return int(value)
