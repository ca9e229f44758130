"""How a user wants to be met: language, time zone, and what it wants mails about.

Of the user, not of an account or a device, so that every client meets it alike. What protects the
account is told in any case and is no preference.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from bursa.identity.principal import Principal
from bursa.identity.second_factor import require_token
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId

# BCP 47 (RFC 5646) as far as applications have translations, as in a tenant's branding.
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?", re.ASCII)
# The form of IANA's names. Whether there is such a zone changes several times a year, and a client
# shows times by its own list.
_TIME_ZONE: Final = re.compile(r"[A-Z][A-Za-z0-9_+-]*(/[A-Z][A-Za-z0-9_+-]*){0,2}", re.ASCII)
_TIME_ZONE_CHARACTERS_MAX: Final = 40


class Subject(StrEnum):
    """What a mail may be about; the words that are stored."""

    FILLS = "fills"
    TRANSFERS = "transfers"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user prefers; the defaults are those of who has said nothing.

    Attributes
    ----------
    language
        As BCP 47 has it; empty for the client's own choice.
    time_zone
        As IANA names it.
    mails_about
        What it wants mails about.

    """

    language: str = ""
    time_zone: str = "UTC"
    mails_about: frozenset[Subject] = frozenset({Subject.TRANSFERS})

    def check(self) -> None:
        """Return when they can be kept; raises `InvalidInput`, which names the field."""
        if self.language and not _LANGUAGE.fullmatch(self.language):
            raise InvalidInput(
                "invalid_language", "Send language as en, pt-BR or zh-Hant-TW.", field="language"
            )
        is_short = len(self.time_zone) <= _TIME_ZONE_CHARACTERS_MAX
        if not is_short or not _TIME_ZONE.fullmatch(self.time_zone):
            raise InvalidInput(
                "invalid_time_zone", "Send time_zone as UTC or Europe/Berlin.", field="time_zone"
            )


class Kept(Protocol):
    """Keeps preferences; each method raises `Unavailable` ``identity_unavailable``."""

    def find(self, tenant: TenantId, user: str) -> Preferences | None:
        """Return a user's preferences; None for who has said nothing."""

    def write(self, tenant: TenantId, user: str, preferences: Preferences) -> None:
        """Replace a user's preferences."""


class UserPreferences:
    """What users prefer; each method raises `NotAllowed` ``token_required`` for an API key."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def of(self, principal: Principal) -> Preferences:
        """Return what a user prefers."""
        require_token(principal)
        return self._kept.find(principal.tenant, principal.user) or Preferences()

    def replace(self, principal: Principal, preferences: Preferences) -> None:
        """Keep what a user prefers from now on; safe to repeat. Raises `InvalidInput`."""
        require_token(principal)
        preferences.check()
        self._kept.write(principal.tenant, principal.user, preferences)
