"""What has happened to users is put into their accounts, and mailed. Pure.

What happened may come again, and a mail may have been sent by a process that ended before it could
say so: then it comes twice, because the other way round it could be lost. The entry in the account
is there once.
"""

from typing import NamedTuple, Protocol

from bursa.identity.preferences import Preferences
from bursa.kernel.clock import WallClock
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.notifications.notices import (
    ACCOUNT_CLOSED,
    EMAIL_CHANGED,
    FEE_TIER,
    Happening,
    Notice,
    NoticeList,
    Notices,
    notice_of,
)
from bursa.notifications.wording import Text, language_of, text_of
from bursa.tenants.branding import Branding


class Mail(NamedTuple):
    """A mail to one user, in the name of a brand."""

    to: str
    brand: str
    text: Text


class Accounts(Protocol):
    """Whose an account is."""

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        """Return a user's main account; None for who has none."""

    def brand_name(self, tenant: TenantId) -> str:
        """Return a tenant's name."""


class Brandings(Protocol):
    """How tenants look."""

    def find(self, tenant: TenantId) -> Branding | None:
        """Return a tenant's branding; None while it has none."""


class Addresses(Protocol):
    """Where users get mails."""

    def verified(self, tenant: TenantId, user: str) -> str | None:
        """Return a user's address, if it has shown that it is its own."""


class KeptPreferences(Protocol):
    """How users want to be met."""

    def find(self, tenant: TenantId, user: str) -> Preferences | None:
        """Return a user's preferences; None for who has said nothing."""


class Mails(Protocol):
    """Sends mails."""

    def send(self, mail: Mail) -> bool:
        """Send a mail; return False where nothing is sent from. Raises `Unavailable`."""


class Voices:
    """How tenants speak to their users: names, languages, words."""

    def __init__(
        self, accounts: Accounts, brandings: Brandings, preferences: KeptPreferences
    ) -> None:
        self._accounts = accounts
        self._brandings = brandings
        self._preferences = preferences

    def language(self, tenant: TenantId, user: str) -> str:
        """Return the language that a user is told in; raises `Unavailable`."""
        preferred = self._preferences.find(tenant, user) if user else None
        branding = self._brandings.find(tenant) or Branding()
        return language_of(*((preferred.language,) if preferred else ()), *branding.languages)

    def brand(self, tenant: TenantId) -> str:
        """Return the name of a tenant as it writes itself."""
        branding = self._brandings.find(tenant) or Branding()
        return branding.display_name or self._accounts.brand_name(tenant)

    def text(self, notice: Notice, language: str) -> Text | None:
        """Return the text of a notice; None for a kind that this version does not know."""
        branding = self._brandings.find(notice.account.tenant) or Branding()
        help_at = branding.support_url or self.brand(notice.account.tenant)
        return text_of(notice.kind, language, notice.at_ms, notice.facts, help_at)


class Notifier:
    """Carries what happened to whom it happened to."""

    def __init__(  # noqa: PLR0917 - one for each that it needs
        self,
        notices: NoticeList,
        accounts: Accounts,
        addresses: Addresses,
        voices: Voices,
        mails: Mails,
        clock: WallClock,
    ) -> None:
        self._notices = notices
        self._accounts = accounts
        self._addresses = addresses
        self._voices = voices
        self._mails = mails
        self._clock = clock

    def tell(self, happening: Happening) -> bool:
        """Put something into a user's account and mail it; return whether a mail was sent.

        Who has no account is told nothing, and an account that is no user's neither. Raises
        `Unavailable`, after which it has to come again.
        """
        tenant = happening.tenant
        account = happening.account or self._accounts.account_of(tenant, happening.user)
        if account is None or not account.is_users:
            return False
        notice = notice_of(happening, account, self._clock.now_ms())
        is_owed = self._notices.keep(notice)
        if not is_owed or not happening.user or notice.kind.startswith(f"{FEE_TIER}."):
            return False
        text = self._voices.text(notice, self._voices.language(tenant, happening.user))
        to = self._addresses.verified(tenant, happening.user) if text else None
        if text is None or to is None or not self._notices.may_mail(notice):
            return False
        brand = self._voices.brand(tenant)
        # All of them, whatever became of the first.
        sent = [self._mails.send(Mail(one, brand, text)) for one in self._recipients(notice, to)]
        if not any(sent):
            return False
        self._notices.set_mailed_to(notice.account, "" if notice.kind == ACCOUNT_CLOSED else to)
        self._notices.set_mailed(notice)
        return True

    def _recipients(self, notice: Notice, to: str) -> list[str]:
        """Return who gets a mail: of a changed address the old one too, as far as it is known.

        Whoever has taken an account over has changed the address first, and only the old one is
        sure to be the owner's.
        """
        if notice.kind != EMAIL_CHANGED:
            return [to]
        old = self._notices.mailed_to(notice.account)
        return [old, to] if old and old != to else [to]


class OwnNotices:
    """What a user sees of its own notices."""

    def __init__(self, notices: NoticeList, voices: Voices) -> None:
        self._notices = notices
        self._voices = voices

    def newest(self, account: AccountId, before: str | None, limit: int) -> Notices:
        """Return notices, newest first; raises `Unavailable`."""
        return self._notices.newest(account.owner, before, limit)

    def worded(self, user: str, found: Notices) -> list[tuple[Notice, Text]]:
        """Return those with their texts in the user's language; raises `Unavailable`."""
        if not found.items:
            return []
        language = self._voices.language(found.items[0].account.tenant, user)
        said = ((one, self._voices.text(one, language)) for one in found.items)
        return [(one, text) for one, text in said if text is not None]

    def set_read(self, account: AccountId, until_ms: int) -> int:
        """Remember up to when they were read; return up to when. Raises `Unavailable`."""
        return self._notices.set_read(account.owner, until_ms)
