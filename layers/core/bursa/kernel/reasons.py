"""Why somebody did something, in one line, for a history that is read later."""

from typing import Final

from bursa.kernel.errors import InvalidInput

REASON_LENGTH_MAX: Final = 300


def require_reason(reason: str) -> str:
    """Return a reason without spaces around it.

    Raises
    ------
    InvalidInput
        ``invalid_reason``

    """
    plain = reason.strip()
    if not 1 <= len(plain) <= REASON_LENGTH_MAX or not plain.isprintable():
        raise InvalidInput(
            "invalid_reason",
            f"Give a reason of 1 to {REASON_LENGTH_MAX} characters on one line.",
            field="reason",
        )
    return plain
