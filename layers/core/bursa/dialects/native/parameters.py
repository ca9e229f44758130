"""Reading the query parameters that lists share, with one error code each."""

import re
from collections.abc import Collection

from bursa.kernel.errors import InvalidInput

_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)


def read_number(text: str | None, field: str, *, default: int, most: int) -> int:
    """Read ``limit`` or ``depth``; raises `InvalidInput` ``invalid_<field>``."""
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise InvalidInput(
            f"invalid_{field}", f"Send {field} as a whole number from 1 to {most}.", field=field
        )
    return int(text)


def read_choice(text: str | None, field: str, choices: Collection[str]) -> str | None:
    """Read a parameter that is one of a few words; raises `InvalidInput` ``invalid_<field>``."""
    if text is None or text in choices:
        return text
    raise InvalidInput(
        f"invalid_{field}", f"Send {field} as one of {', '.join(choices)}.", field=field
    )
