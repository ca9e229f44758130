"""The routes about the security of the caller's account: API keys, second factor, events."""

import binascii
from base64 import b64decode
from collections.abc import Callable

from bursa.dialects.native.key_presentation import key_state
from bursa.dialects.native.request_bodies import read_body
from bursa.dialects.native.requests import ApiKeyRequest, CodeRequest
from bursa.dialects.native.security_responses import (
    ApiKeyList,
    ApiKeyState,
    MadeApiKey,
    SecondFactorSetup,
    SecondFactorState,
    SecurityEvent,
    SecurityEventList,
)
from bursa.identity.account_closing import AccountClosing
from bursa.identity.api_keys import Algorithm, KeyRequest
from bursa.identity.key_custody import KeyCustody
from bursa.identity.principal import Principal, Scope
from bursa.identity.second_factor import SecondFactor, require_token
from bursa.identity.security_events import SecurityEvents
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import TenantId
from bursa.kernel.rates import Rate


class SecurityRoutes:
    """What `functions/identity_api` serves to protect accounts.

    Parameters
    ----------
    brand_name
        Returns a tenant's name, under which an authenticator lists its codes.

    """

    def __init__(  # noqa: PLR0917 - one for each thing that is protected
        self,
        keys: KeyCustody,
        factor: SecondFactor,
        events: SecurityEvents,
        brand_name: Callable[[TenantId], str],
        clock: WallClock,
        closing: AccountClosing,
    ) -> None:
        self._keys = keys
        self._factor = factor
        self._events = events
        self._brand_name = brand_name
        self._closing = closing
        self._clock = clock

    def make_key(self, principal: Principal, body: str | None, address: str) -> MadeApiKey:
        """Make an API key; raises as `KeyCustody.make` and `read_body` do."""
        request = read_body(body, ApiKeyRequest)
        made = self._keys.make(principal, _key_request(request), request.code, address)
        return MadeApiKey(key=key_state(made.key, self._clock.now_ms()), secret=made.secret)

    def keys(self, principal: Principal) -> ApiKeyList:
        """Return the account's keys; raises `NotAllowed` ``token_required``."""
        now_ms = self._clock.now_ms()
        items = [key_state(key, now_ms) for key in self._keys.of(principal)]
        return ApiKeyList(items=items, next_cursor=None)

    def revoke_key(self, principal: Principal, key_id: str, address: str) -> ApiKeyState:
        """Revoke a key; raises as `KeyCustody.revoke` does."""
        key = self._keys.revoke(principal, key_id, address)
        return key_state(key, self._clock.now_ms())

    def begin_factor(self, principal: Principal, token: str) -> SecondFactorSetup:
        """Begin to set up a second factor; raises as `SecondFactor.begin` does."""
        setup = self._factor.begin(principal, token, self._brand_name(principal.tenant))
        return SecondFactorSetup(secret=setup.secret, uri=setup.uri)

    def confirm_factor(
        self, principal: Principal, token: str, body: str | None, address: str
    ) -> SecondFactorState:
        """Require the second factor from now on; raises as `SecondFactor.confirm` does."""
        code = read_body(body, CodeRequest).code
        since_ms = self._factor.confirm(principal, token, code, address)
        return SecondFactorState(required_since_ms=since_ms)

    def remove_factor(
        self, principal: Principal, token: str, body: str | None, address: str
    ) -> SecondFactorState:
        """Require no second factor any more; raises as `SecondFactor.remove` does."""
        self._factor.remove(principal, token, read_body(body, CodeRequest).code, address)
        return SecondFactorState(required_since_ms=None)

    def close_account(self, principal: Principal, body: str | None, address: str) -> int:
        """Close the caller's account; return since when. Raises as `AccountClosing` does."""
        require_token(principal)
        return self._closing(principal, read_body(body, CodeRequest).code, address)

    def events(self, principal: Principal) -> SecurityEventList:
        """Return the caller's latest security events; raises `NotAllowed` ``token_required``."""
        require_token(principal)
        pause = self._events.pause(principal.account)
        is_paused = pause is not None and pause.until_ms > self._clock.now_ms()
        return SecurityEventList(
            items=[
                SecurityEvent(
                    kind=event.kind.value,
                    at_ms=event.at_ms,
                    address=event.address,
                    about=event.about or None,
                )
                for event in self._events.of(principal.tenant, principal.user)
            ],
            next_cursor=None,
            withdrawals_paused_until_ms=pause.until_ms if pause and is_paused else None,
        )


def _key_request(request: ApiKeyRequest) -> KeyRequest:
    try:
        public_key = b64decode(request.public_key or "", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(
            "invalid_public_key", "Send public_key as the base64 of 32 bytes.", field="public_key"
        ) from None
    rate = request.rate
    return KeyRequest(
        label=request.label,
        scopes=frozenset(map(Scope, request.scopes)),
        algorithm=Algorithm(request.algorithm),
        public_key=public_key,
        addresses=tuple(request.addresses),
        expires_at_ms=request.expires_at_ms or 0,
        rate=None if rate is None else Rate(rate.per_s, rate.burst),
    )
