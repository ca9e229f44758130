"""The routes about how the caller signs in: its password, and sign-ins of other providers."""

from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import AllowIdentityRequest, PasswordRequest
from bursa.dialects.native.user_responses import (
    LinkedIdentityList,
    LinkedIdentityState,
)
from bursa.identity.linked_identities import LinkedIdentities
from bursa.identity.passwords import Passwords
from bursa.identity.principal import Principal


class SignInRoutes:
    """What `functions/identity_api` serves of how users sign in."""

    def __init__(self, identities: LinkedIdentities, passwords: Passwords) -> None:
        self._identities = identities
        self._passwords = passwords

    def identities(self, principal: Principal) -> LinkedIdentityList:
        """Return sign-ins that are linked or allowed; raises as `LinkedIdentities.of` does."""
        items = [
            LinkedIdentityState(
                provider=one.provider,
                linked_at_ms=one.linked_at_ms if one.is_linked else None,
                allowed_until_ms=one.allowed_until_ms or None,
            )
            for one in self._identities.of(principal)
        ]
        return LinkedIdentityList(items=items, next_cursor=None)

    def unlink(self, principal: Principal, provider: str, address: str) -> LinkedIdentityState:
        """Unlink one; raises as `LinkedIdentities.unlink` does."""
        self._identities.unlink(principal, provider, address)
        return LinkedIdentityState(provider=provider, linked_at_ms=None, allowed_until_ms=None)

    def allow(self, principal: Principal, provider: str, body: str | None) -> LinkedIdentityState:
        """Let the next one be linked; raises as `LinkedIdentities.allow` and `read_body` do."""
        code = read_body(body, AllowIdentityRequest).code or ""
        until_ms = self._identities.allow(principal, provider, code)
        return LinkedIdentityState(provider=provider, linked_at_ms=None, allowed_until_ms=until_ms)

    def change_password(
        self, principal: Principal, token: str, body: str | None, address: str
    ) -> None:
        """Change the caller's password; raises as `Passwords.change` and `read_body` do."""
        request = read_body(body, PasswordRequest)
        self._passwords.change(principal, token, request.password, request.new_password, address)
