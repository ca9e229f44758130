"""Tables in CSV (RFC 4180), for spreadsheets, beside what is sent in JSON."""

from typing import Final, NamedTuple

FORMATS: Final = ("json", "csv")


class Table(NamedTuple):
    """A response in CSV, and what a browser calls it."""

    text: str
    name: str
