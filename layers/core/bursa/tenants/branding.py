"""How a tenant looks to its users: a name, a logo, colours, languages and legal documents.

It is text that applications show and addresses that they lead to, so it is held to forms in which
neither can do harm: addresses are https, colours are numbers, and what is written on a colour can
be read on it. Nothing here decides what a user may do.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bursa.kernel.errors import InvalidInput

NAME_LENGTH_MAX = 60
URL_LENGTH_MAX = 300
LANGUAGES_MAX = 20
LEGAL_DOCUMENTS = ("terms", "privacy", "risk", "fees", "cookies", "imprint")
# WCAG 2.2, success criteria 1.4.3 (text) and 1.4.11 (parts of a page that are no text).
TEXT_CONTRAST_MIN = 4.5
PART_CONTRAST_MIN = 3.0

_COLOUR = re.compile(r"#[0-9a-f]{6}")
# BCP 47 (RFC 5646) as far as applications have translations: language, script and region, each
# written as its registry does. Variants and extensions are left out.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
# What RFC 3986 lets a URL have, but brackets and quotes: it is shown, and put into pages.
_URL = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&()*+,;=%-]+")

Fault = tuple[tuple[str | int, ...], str]


@dataclass(frozen=True, slots=True)
class Colours:
    """Of an application, each as ``#rrggbb``: buttons and links, what is on them, page and text."""

    primary: str = "#1d4ed8"
    on_primary: str = "#ffffff"
    background: str = "#ffffff"
    text: str = "#111827"


@dataclass(frozen=True, slots=True)
class Branding:
    """What a tenant's applications show.

    Attributes
    ----------
    display_name
        The brand as it writes itself; empty for the tenant's name.
    logo_url, support_url
        Where they are; empty for none.
    colours
        See `Colours`.
    languages
        That it speaks, as BCP 47 has them; the first is used where none of them is asked for.
    legal
        By language: where its legal documents are, by their names in `LEGAL_DOCUMENTS`.

    """

    display_name: str = ""
    logo_url: str = ""
    support_url: str = ""
    colours: Colours = Colours()
    languages: tuple[str, ...] = ("en",)
    legal: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def check_branding(branding: Branding) -> None:
    """Return when a branding has no fault.

    Raises
    ------
    InvalidInput
        ``invalid_branding``; the field is the first that has one.

    """
    for path, message in faults(branding):
        raise InvalidInput("invalid_branding", message, field=".".join(map(str, path)))


def faults(branding: Branding) -> Iterator[Fault]:
    """Yield every fault: the path of the field, and what to do."""
    name = branding.display_name
    if len(name) > NAME_LENGTH_MAX or not name.isprintable() or name != name.strip():
        yield (
            ("display_name",),
            f"is up to {NAME_LENGTH_MAX} characters on one line, with no space around them.",
        )
    for one in ("logo_url", "support_url"):
        if (url := getattr(branding, one)) and not is_https(url):
            yield (one,), _URL_FORM
    yield from _of_colours(branding.colours)
    yield from _of_languages(branding)
    yield from _of_legal(branding)


_URL_FORM = (
    f"is a URL of up to {URL_LENGTH_MAX} characters that begins with https:// and names no user."
)


def is_https(url: str) -> bool:
    """Return whether this is a plain https URL that an application may lead its user to."""
    if len(url) > URL_LENGTH_MAX or not _URL.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return "@" not in parts.netloc and bool(_HOST.fullmatch(parts.hostname or ""))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour, from 0 to 1 (WCAG 2.2, "relative luminance")."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    if channel <= 0.04045:  # noqa: PLR2004 - of sRGB
        return channel / 12.92
    return float(((channel + 0.055) / 1.055) ** 2.4)


def _of_colours(colours: Colours) -> Iterator[Fault]:
    names = ("primary", "on_primary", "background", "text")
    wrong = [name for name in names if not _COLOUR.fullmatch(getattr(colours, name))]
    for name in wrong:
        yield ("colours", name), 'is a colour as "#1d4ed8", in small letters.'
    if wrong:
        return
    for name, on, least in (
        ("text", "background", TEXT_CONTRAST_MIN),
        ("on_primary", "primary", TEXT_CONTRAST_MIN),
        ("primary", "background", PART_CONTRAST_MIN),
    ):
        found = contrast(getattr(colours, name), getattr(colours, on))
        if found < least:
            yield (
                ("colours", name),
                f"has a contrast of {found:.2f} on {on}, and {least} is the least (WCAG 2.2).",
            )


def _of_languages(branding: Branding) -> Iterator[Fault]:
    languages = branding.languages
    if not 1 <= len(languages) <= LANGUAGES_MAX:
        yield ("languages",), f"name 1 to {LANGUAGES_MAX} languages."
    for at, language in enumerate(languages):
        if not _LANGUAGE.fullmatch(language):
            yield (
                ("languages", at),
                "is a language as BCP 47 has it: en, pt-BR, zh-Hant-TW.",
            )
        elif language in languages[:at]:
            yield ("languages", at), f"{language} is there twice: keep one."


def _of_legal(branding: Branding) -> Iterator[Fault]:
    for language, documents in branding.legal.items():
        if language not in branding.languages:
            yield ("legal", language), f"{language} is not among the languages: add it there."
        for name, url in documents.items():
            if name not in LEGAL_DOCUMENTS:
                yield (
                    ("legal", language, name),
                    f"there is no such text; there are {', '.join(LEGAL_DOCUMENTS)}.",
                )
            elif not is_https(url):
                yield ("legal", language, name), _URL_FORM
    first = branding.languages[0] if branding.languages else ""
    there = {name for documents in branding.legal.values() for name in documents}
    missing = sorted(there.intersection(LEGAL_DOCUMENTS).difference(branding.legal.get(first, ())))
    if missing:
        yield (
            ("legal",),
            f"has no {' and '.join(missing)} in {first}, the first language: add it.",
        )
