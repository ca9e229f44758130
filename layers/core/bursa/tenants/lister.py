"""Who lists a market of a tenant."""

from enum import StrEnum


class Lister(StrEnum):
    """Who lists a market; the words that are stored."""

    FILE = "file"
    BACK_OFFICE = "back_office"
