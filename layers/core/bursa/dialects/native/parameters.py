"""Query parameters, path parameters and headers, with one error code each."""

import re
from collections.abc import Collection
from typing import NamedTuple

from bursa.intake.submission import SubmitOptions
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import Actor

_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
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


def read_options(headers: RequestHeaders, actor: Actor) -> SubmitOptions:
    """Return how a request is to be submitted.

    Raises
    ------
    InvalidInput
        ``invalid_idempotency_key``.

    """
    key = headers.idempotency_key
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidInput(
            "invalid_idempotency_key",
            "Send Idempotency-Key as 1 to 64 of the characters A-Z a-z 0-9 . _ : -",
            field="Idempotency-Key",
        )
    preferences = (headers.prefer or "").lower().split(",")
    wait = "respond-async" not in (preference.strip() for preference in preferences)
    return SubmitOptions(actor, request_key=key, wait=wait)


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
