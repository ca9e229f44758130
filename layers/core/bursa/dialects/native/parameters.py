"""Query parameters, path parameters and headers, with one error code each."""

import re
from collections.abc import Collection
from typing import NamedTuple

from bursa.kernel.errors import InvalidInput

_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)


class RequestHeaders(NamedTuple):
    """The headers that a request is read with, as they came; None for what was not sent."""

    idempotency_key: str | None = None
    prefer: str | None = None


class ListParameters(NamedTuple):
    """Query parameters of a list, as they came; None for what was not sent."""

    market: str | None = None
    status: str | None = None
    limit: str | None = None
    cursor: str | None = None


def read_number(text: str | None, field: str, *, default: int, most: int) -> int:
    """Return ``limit`` or ``depth``; raises `InvalidInput` ``invalid_<field>``."""
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise InvalidInput(
            f"invalid_{field}", f"Send {field} as a whole number from 1 to {most}.", field=field
        )
    return int(text)


def read_choice(text: str | None, field: str, choices: Collection[str]) -> str | None:
    """Return a parameter that is one of a few words; raises `InvalidInput` ``invalid_<field>``."""
    if text is None or text in choices:
        return text
    raise InvalidInput(
        f"invalid_{field}", f"Send {field} as one of {', '.join(choices)}.", field=field
    )
