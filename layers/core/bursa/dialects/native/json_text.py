"""Reading JSON as RFC 8259 has it, each key once; used for bodies and WebSocket messages alike."""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from bursa.kernel.errors import InvalidInput


class _RepeatedKey(Exception):  # noqa: N818 - never leaves this module
    pass


def read_json(text: str, what: str) -> dict[str, Any]:
    """Return the object that a text is.

    Parameters
    ----------
    what
        What the text is to the client, such as ``body``.

    Raises
    ------
    InvalidInput
        ``invalid_json``; also for NaN, Infinity and what is nested too deeply. ``duplicate_key``;
        ``body_not_an_object``, by what it is.

    """
    try:
        plain = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except _RepeatedKey as fault:
        raise InvalidInput("duplicate_key", "Send each key of an object only once.") from fault
    except (ValueError, RecursionError):
        raise InvalidInput("invalid_json", f"Send a {what} of valid JSON (RFC 8259).") from None
    if not isinstance(plain, dict):
        raise InvalidInput(f"{what}_not_an_object", "Send a JSON object, in curly braces.")
    return plain


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        raise _RepeatedKey
    return plain


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def write_json(body: object) -> str:
    """Return a body as text, without spaces."""
    return json.dumps(body, separators=(",", ":"))
