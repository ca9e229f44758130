"""The text of a notice in a language. Pure.

``${time}`` is when it happened, ``${help}`` where the tenant's support is, or its name; all others
are facts of what happened. Texts are plain: nothing in a fact can become markup.
"""

from collections.abc import Mapping
from string import Template
from typing import Final, NamedTuple

from bursa.kernel.calendar_time import DAY_MS, date_of, day_at
from bursa.notifications import english, indonesian

ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    ENGLISH: english.WORDING,
    "id": indonesian.WORDING,
}
KINDS: Final = frozenset(english.WORDING)
# Longer is no address, key's id or provider's name, and nobody's to write into mails.
_FACT_LENGTH_MAX: Final = 100


class Text(NamedTuple):
    """A title of one line, and a paragraph."""

    title: str
    body: str


def language_of(*wanted: str) -> str:
    """Return the first of some languages (BCP 47) that there are texts in, or English."""
    spoken = (one.partition("-")[0] for one in wanted)
    return next((one for one in spoken if one in LANGUAGES), ENGLISH)


def text_of(
    kind: str, language: str, at_ms: int, facts: Mapping[str, str], help_at: str
) -> Text | None:
    """Return the text of what happened; None for a kind that this version does not know."""
    found = LANGUAGES[language].get(kind)
    if found is None:
        return None
    said = {name: _one_line(fact) for name, fact in facts.items()}
    said |= {"time": _time(at_ms), "help": _one_line(help_at)}
    title, body = found
    return Text(title, Template(body).safe_substitute(said))


def _one_line(fact: str) -> str:
    shown = "".join(letter for letter in fact if letter.isprintable())
    return shown[:_FACT_LENGTH_MAX] or "-"


def _time(at_ms: int) -> str:
    minutes = at_ms % DAY_MS // 60_000
    return f"{date_of(day_at(at_ms))} {minutes // 60:02d}:{minutes % 60:02d} UTC"
