"""A request's parameters: from the query, the body as a form, or both.

A name is sent once in either; one in both has the query's value, as Binance documents. Nothing is
guessed: a part without an equals sign, bytes that are no UTF-8 and names that an endpoint does not
know are refused. A signature is over query and body one after the other, so a part without an
equals sign would also be what remains where a boundary has been moved.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes

from bursa.dialects.binance.errors import (
    DUPLICATE_PARAMETER,
    ILLEGAL_CHARACTERS,
    TOO_MANY_PARAMETERS,
    BinanceError,
    error,
    illegal,
    invalid,
    missing,
)

LENGTH_MAX: Final = 8_192
COUNT_MAX: Final = 50
SYMBOLS_MAX: Final = 100
_NUMBER: Final = re.compile(r"[0-9]{1,20}", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}

_Value = TypeVar("_Value")


class Parameters:
    """The parameters of one request, as text."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    @classmethod
    def read(cls, query: str, body: str) -> "Parameters":
        """Read what was sent.

        Raises
        ------
        BinanceError
            -1100, -1101.

        """
        if len(query) + len(body) > LENGTH_MAX:
            raise error(TOO_MANY_PARAMETERS)
        values = _read(body) | _read(query)
        if len(values) > COUNT_MAX:
            raise error(TOO_MANY_PARAMETERS)
        return cls(values)

    def require_known(self, known: AbstractSet[str]) -> None:
        """Raise `BinanceError` -1104 unless every name is known."""
        read = sum(name in known for name in self._values)
        sent = len(self._values)
        if read < sent:
            raise BinanceError(
                -1104,
                "Not all sent parameters were read; "
                f"read '{read}' parameter(s) but was sent '{sent}'.",
            )

    def renamed(self, names: Mapping[str, str]) -> "Parameters":
        """Return those parameters that are among the names, under other names."""
        return Parameters(
            {new: self._values[old] for old, new in names.items() if old in self._values}
        )

    def __contains__(self, name: str) -> bool:
        """Return whether a parameter was sent."""
        return name in self._values

    def text(self, name: str) -> str | None:
        """Return a parameter; None when it was not sent. Raises -1105 for an empty one."""
        value = self._values.get(name)
        if value == "":
            raise BinanceError(-1105, f"Parameter '{name}' was empty.")
        return value

    def required(self, name: str) -> str:
        """Return a parameter; raises -1102 when it was not sent or is empty."""
        value = self._values.get(name)
        if not value:
            raise missing(name)
        return value

    def matching(self, name: str, pattern: re.Pattern[str]) -> str | None:
        """Return a parameter that has a form; raises -1100 for another one."""
        value = self.text(name)
        if value is not None and not pattern.fullmatch(value):
            raise illegal(name, f"^{pattern.pattern}$")
        return value

    def number(self, name: str, *, least: int = 0, most: int) -> int | None:
        """Return a whole number; raises -1100 for none, -1130 for one out of range."""
        value = self.text(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value):
            raise illegal(name, "^[0-9]{1,20}$")
        number = int(value)
        if not least <= number <= most:
            raise invalid(name)
        return number

    def limit(self, default: int, most: int) -> int:
        """Return how much of a list is asked for; more than there may be is as much as may be."""
        wanted = self.number("limit", least=1, most=1 << 31)
        return min(most, default if wanted is None else wanted)

    def choice(
        self, name: str, choices: Mapping[str, _Value], wrong: BinanceError | None = None
    ) -> _Value | None:
        """Return what a word stands for; raises ``wrong``, or -1130, for any other word."""
        value = self.text(name)
        if value is None:
            return None
        if value not in choices:
            raise wrong or invalid(name)
        return choices[value]

    def flag(self, name: str) -> bool | None:
        """Return a flag; raises -1130 for another word than true or false."""
        return self.choice(name, _BOOLEANS)

    def names(self, name: str) -> Sequence[str] | None:
        """Return a list of names that is written as JSON; raises -1100 for anything else."""
        value = self.text(name)
        if value is None:
            return None
        try:
            listed = json.loads(value)
        except (ValueError, RecursionError):
            listed = None
        if not _is_list_of_names(listed):
            raise illegal(name, r'^\["[A-Z0-9]{1,40}"(,"[A-Z0-9]{1,40}"){0,99}\]$')
        return list(listed)


def _is_list_of_names(listed: object) -> bool:
    return (
        isinstance(listed, list)
        and 1 <= len(listed) <= SYMBOLS_MAX
        and all(isinstance(one, str) for one in listed)
        and len(set(listed)) == len(listed)
    )


def _read(part: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in map(_pair, filter(None, part.split("&"))):
        if name in values:
            raise error(DUPLICATE_PARAMETER)
        values[name] = value
    return values


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise error(ILLEGAL_CHARACTERS)
    return _decoded(name), _decoded(value)


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise error(ILLEGAL_CHARACTERS) from None


def known(*groups: Iterable[str]) -> frozenset[str]:
    """Return the names of some groups."""
    return frozenset(name for group in groups for name in group)
