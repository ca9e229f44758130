"""Query parameters, path parameters and headers, with one error code each."""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from bursa.kernel.amounts import INT64_MAX
from bursa.kernel.errors import InvalidInput

_SEQUENCE = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
# Until the year 2286.
_TIME_MS = re.compile(r"[0-9]{1,13}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
# Names of unknown parameters are the client's own words; no more of them is repeated than this.
_NAME_LENGTH_MAX = 64


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
    min_sequence: str | None = None
    side: str | None = None
    from_ms: str | None = None
    to_ms: str | None = None


def require_parameters(given: Mapping[str, Collection[str]], known: Collection[str]) -> None:
    """Refuse query parameters that a route does not take, or takes only once.

    What is not looked at would be taken for done: a cancel of one market's orders, with the
    market's name misspelt, is a cancel of all.

    Raises
    ------
    InvalidInput
        ``unknown_parameter``, ``repeated_parameter``.

    """
    for name, values in given.items():
        field = name[:_NAME_LENGTH_MAX]
        if name not in known:
            taken = ", ".join(known) or "none"
            raise InvalidInput(
                "unknown_parameter", f"Send only parameters of this route: {taken}.", field=field
            )
        if len(values) != 1:
            raise InvalidInput("repeated_parameter", f"Send {field} only once.", field=field)


def read_number(text: str | None, field: str, *, default: int, most: int) -> int:
    """Return ``limit`` or ``depth``; raises `InvalidInput` ``invalid_<field>``."""
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise InvalidInput(
            f"invalid_{field}", f"Send {field} as a whole number from 1 to {most}.", field=field
        )
    return int(text)


def read_min_sequence(text: str | None) -> int:
    """Return ``min_sequence``, 0 for none; raises `InvalidInput` ``invalid_min_sequence``."""
    if text is None:
        return 0
    if not _SEQUENCE.fullmatch(text) or int(text) > INT64_MAX:
        raise InvalidInput(
            "invalid_min_sequence",
            "Send min_sequence as the sequence of a response: a whole number from 1.",
            field="min_sequence",
        )
    return int(text)


def read_flag(text: str | None, field: str) -> bool:
    """Return ``true`` or ``false``, the latter for none; raises `InvalidInput`."""
    return read_choice(text, field, ("true", "false")) == "true"


def read_time_ms(text: str | None, field: str) -> int | None:
    """Return a time, None for none; raises `InvalidInput` ``invalid_<field>``."""
    if text is not None and not _TIME_MS.fullmatch(text):
        raise InvalidInput(
            f"invalid_{field}", f"Send {field} as UTC milliseconds, a whole number.", field=field
        )
    return None if text is None else int(text)


def read_period(from_text: str | None, to_text: str | None) -> tuple[int, int | None]:
    """Return ``from`` and ``to``; raises `InvalidInput` ``invalid_from``, ``invalid_to``."""
    from_ms, to_ms = read_time_ms(from_text, "from") or 0, read_time_ms(to_text, "to")
    if to_ms is not None and to_ms <= from_ms:
        raise InvalidInput("invalid_to", "Send a time to that is after from.", field="to")
    return from_ms, to_ms


def read_choice(text: str | None, field: str, choices: Collection[str]) -> str | None:
    """Return a parameter that is one of a few words; raises `InvalidInput` ``invalid_<field>``."""
    if text is None or text in choices:
        return text
    raise InvalidInput(
        f"invalid_{field}", f"Send {field} as one of {', '.join(choices)}.", field=field
    )
