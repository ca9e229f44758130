"""Whether a session, or the API key that stands for one, goes on."""

from typing import Protocol

from bursa.identity.principal import Principal
from bursa.identity.users import User
from bursa.kernel.identifiers import TenantId


class Directory(Protocol):
    """Keeps when the sessions of each user ended."""

    def user_of(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account."""


class KeyStates(Protocol):
    """Keeps API keys, as far as it matters here."""

    def is_active(self, key_id: str, now_ms: int) -> bool:
        """Return whether a key may be used. Raises `Unavailable`."""


class SessionCheck:
    """Looks up whether a verified session, or the API key that stands for one, goes on."""

    def __init__(self, directory: Directory, keys: KeyStates) -> None:
        self._directory = directory
        self._keys = keys

    def __call__(self, principal: Principal, now_ms: int) -> bool:
        """Return whether the session of a principal goes on."""
        if principal.expires_at * 1_000 <= now_ms:
            return False
        user = self._directory.user_of(principal.tenant, principal.user)
        if user is None or not user.has_session(principal.signed_in_at, principal.session):
            return False
        return not principal.key or self._keys.is_active(principal.key, now_ms)
