"""From the id of an API key to the key, for the authorizer."""

from dataclasses import replace
from typing import Final, Protocol

from bursa.identity.api_keys import ApiKey, split_id
from bursa.identity.users import User
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile

_DETAIL: Final = "Name a key that exists: 'Authorization: Bursa-Key <key id>'."


class Directory(Protocol):
    """Who may act in this deployment."""

    def profile(self, tenant: TenantId) -> TenantProfile | None:
        """Return a tenant's settings; None for an unknown tenant."""

    def user_of(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account."""


class Keys(Protocol):
    """Keeps keys."""

    def find(self, account: AccountId, name: str) -> ApiKey | None:
        """Return a key, also one that is over; None for none. Raises `Unavailable`."""


class KeySignIn:
    """Finds keys, whose users may still sign in."""

    def __init__(self, directory: Directory, keys: Keys, clock: WallClock) -> None:
        self._directory = directory
        self._keys = keys
        self._clock = clock

    def __call__(self, key_id: str) -> ApiKey:
        """Return the key of an id, with its user's level and limits; the sender may be anybody yet.

        Raises
        ------
        Unauthenticated
            ``unknown_key``: no such key, or another tenant's, or of a user that is shut out; which
            is not said. ``tenant_suspended``.

        """
        named = split_id(key_id)
        key = None if named is None else self._keys.find(*named)
        if key is None:
            raise Unauthenticated("unknown_key", _DETAIL)
        profile = self._directory.profile(key.account.tenant)
        if profile is None or not profile.lets_in(self._clock.now_ms()):
            raise Unauthenticated("tenant_suspended", "Ask the exchange when it opens again.")
        user = self._directory.user_of(key.account.tenant, key.user)
        if user is None or user.is_disabled or user.closed_at_ms:
            raise Unauthenticated("unknown_key", _DETAIL)
        return replace(key, level=user.level, own_limits=user.own_limits)
