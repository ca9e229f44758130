"""Decimal strings outside, integers inside; no floating point anywhere.

An amount is an integer count of ledger units: ``10 ** -scale`` of an asset. Parsing refuses
what it can't represent exactly, so that no value is ever rounded on the way in.
"""

import re
from typing import NewType

from bursa.kernel.errors import InvalidInput

# One counts in steps of a market, the others in an asset's smallest unit: mypy keeps them apart.
Ticks = NewType("Ticks", int)
Lots = NewType("Lots", int)
Units = NewType("Units", int)

INT64_MAX = (1 << 63) - 1
# Enough for any int64 at any scale we allow; bounds the work done on hostile input.
DECIMAL_LENGTH_MAX = 40
SCALE_MAX = 18

_DECIMAL = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


def parse_decimal(text: str, field: str) -> tuple[int, int]:
    """Read a positive decimal string exactly, as ``digits * 10 ** -places``.

    Parameters
    ----------
    text
        Plain decimal digits, at most one point, no exponent, spaces or leading zeros.
    field
        Name of the field, for the error.

    Raises
    ------
    InvalidInput
        ``invalid_<field>``: not such a string. ``<field>_too_large``: longer than
        `DECIMAL_LENGTH_MAX`. ``<field>_not_positive``: zero or negative.

    """
    digits, places = _parse(text, field)
    if digits <= 0:
        raise InvalidInput(
            f"{field}_not_positive", f"Send a {field} greater than zero.", field=field
        )
    return digits, places


def _parse(text: str, field: str) -> tuple[int, int]:
    if len(text) > DECIMAL_LENGTH_MAX:
        raise InvalidInput(
            f"{field}_too_large",
            f"Send {field} with at most {DECIMAL_LENGTH_MAX} characters.",
            field=field,
        )
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise InvalidInput(
            f"invalid_{field}",
            f'Send {field} as a plain positive decimal string such as "12.50".',
            field=field,
        )
    fraction = (match[3] or "").rstrip("0")
    return int(match[1] + match[2] + fraction), len(fraction)


def parse_units(text: str, scale: int, field: str) -> Units:
    """Read a non-negative decimal string as ledger units of ``10 ** -scale``.

    Parameters
    ----------
    text
        Plain decimal digits, at most one point, no sign, exponent, spaces or leading zeros.
    scale
        Decimal places of the unit, 0 to 18.
    field
        Name of the field, for the error.

    Returns
    -------
    Units
        0 to 2**63 - 1.

    Raises
    ------
    InvalidInput
        ``invalid_<field>``: not such a string. ``<field>_not_positive``: negative.
        ``<field>_too_precise``: finer than one unit. ``<field>_too_large``: does not fit 63 bits.

    """
    digits, places = _parse(text, field)
    if digits < 0:
        raise InvalidInput(
            f"{field}_not_positive", f"Send a {field} that is not negative.", field=field
        )
    if places > scale:
        raise InvalidInput(
            f"{field}_too_precise",
            f"Send {field} with at most {scale} decimal places.",
            field=field,
        )
    units: int = digits * 10 ** (scale - places)
    if units > INT64_MAX:
        raise InvalidInput(f"{field}_too_large", f"Send a smaller {field}.", field=field)
    return Units(units)


def format_units(units: int, scale: int) -> str:
    """Write ledger units of ``10 ** -scale`` as the shortest exact decimal string."""
    sign = "-" if units < 0 else ""
    if scale == 0:
        return f"{units}"
    digits = str(abs(units)).rjust(scale + 1, "0")
    fraction = digits[-scale:].rstrip("0")
    whole = digits[:-scale]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
