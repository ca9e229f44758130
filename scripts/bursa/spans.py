"""Spans of time as people write them: 30m, 24h, 7d."""

import re

from scripts.client import ToolError

_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN = re.compile(r"([0-9]{1,6})([mhd])", re.ASCII)


def span_ms(text: str, option: str) -> int:
    """Return a span in milliseconds; raises `ToolError` for anything that is none."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ToolError(f"Give {option} as a number of minutes, hours or days: 30m, 24h, 7d.")
    return int(match[1]) * _UNITS_MS[match[2]]
