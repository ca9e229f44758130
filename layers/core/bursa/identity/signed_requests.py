"""From a signed request to its principal: the one door for requests that bear no token.

The authorizer has only found the key, and its verdict is kept by the gateway under the key's id
(docs/adr/0047): it proves nothing about who sent this request. Here is what does, in this order:

    form        headers, method, path
    time        five seconds around the gateway's own time of arrival
    signature   over the canonical form, in constant time
    key         not revoked, not expired, an allowed address, its user not signed out for good
    budget      the key's own
    replay      each canonical form once

Until the signature is verified a refusal says nothing about the key, and nothing is written or
charged for it.
"""

import hmac
from hashlib import sha256
from typing import Protocol

from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.principal import Principal, SignInMethod
from bursa.identity.signatures import (
    SentRequest,
    SignedHeaders,
    check_time,
    read_signed_headers,
    text_to_sign,
)
from bursa.kernel.errors import NotAllowed, Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate

# How old `used_at_ms` may become before it is written again.
USE_NOTED_EVERY_MS = 300_000
# A verified request is good for what follows it at once; a ticket made by it lives no longer than
# its own half minute, and a connection as long as one of a token.
PRINCIPAL_LIFE_S = 3_600
_NOTED_MAX = 10_000


class Ed25519(Protocol):
    """Verifies signatures of RFC 8032."""

    def __call__(self, public_key: bytes, signature: bytes, text: bytes) -> bool:
        """Return whether a signature is that of a text by a key's owner."""


class Secrets(Protocol):
    """Opens sealed secrets."""

    def open(self, sealed: bytes, context: dict[str, str]) -> bytes:
        """Return a secret; the context is what it was sealed with. Raises `Unavailable`."""


class RequestMemory(Protocol):
    """Remembers requests for longer than they could be replayed."""

    def is_first(self, account: AccountId, digest: str, request_id: str, now_ms: int) -> bool:
        """Remember a request; return whether it was not known before. Raises `Unavailable`."""

    def note_use(self, key: ApiKey, now_ms: int, address: str) -> None:
        """Write when a key was used last; whatever happens, it raises nothing."""


class KeyBudgets(Protocol):
    """Counts the requests of keys that have a rate of their own."""

    def require(self, tenant: TenantId, key_id: str, rate: Rate) -> None:
        """Charge a request; raises `TooManyRequests` ``too_many_requests_of_key``."""


def seal_context(account: AccountId, name: str) -> dict[str, str]:
    """Return what a key's secret is sealed for: it opens for no other key."""
    return {
        "purpose": "api-key",
        "tenant": str(account.tenant),
        "account": str(account),
        "key": name,
    }


class SignedRequests:
    """Verifies signed requests of keys that the authorizer has found."""

    def __init__(
        self,
        ed25519: Ed25519,
        secrets: Secrets,
        memory: RequestMemory,
        budgets: KeyBudgets,
    ) -> None:
        self._ed25519 = ed25519
        self._secrets = secrets
        self._memory = memory
        self._budgets = budgets
        self._noted: dict[str, int] = {}

    def __call__(self, key: ApiKey, request: SentRequest) -> Principal:
        """Return the principal that a request proves; the same request again is refused.

        Raises
        ------
        Unauthenticated
            What `read_signed_headers`, `check_time` and `text_to_sign` raise; ``wrong_signature``,
            ``key_revoked``, ``key_expired``, ``request_replayed``.
        NotAllowed
            ``address_not_allowed``.
        TooManyRequests
            ``too_many_requests_of_key``.
        Unavailable
            The secret can't be opened, or the request can't be remembered.

        """
        now_ms = request.arrived_at_ms
        headers = read_signed_headers(request.headers)
        text = text_to_sign(key.id, request, headers.time_ms, headers.nonce)
        check_time(headers.time_ms, now_ms)
        if not self._is_signed(key, headers, text):
            raise Unauthenticated(
                "wrong_signature", "Sign as docs/api.md describes, with the key that is named."
            )
        _require_usable(key, request)
        if key.rate is not None:
            self._budgets.require(key.account.tenant, key.id, key.rate)
        digest = sha256(text).hexdigest()
        if not self._memory.is_first(key.account, digest, request.request_id, now_ms):
            raise Unauthenticated(
                "request_replayed",
                "Sign each request anew; two in the same millisecond need an X-Bursa-Nonce.",
            )
        self._note_use(key, now_ms, request.address)
        return Principal(
            account=key.account,
            user=key.user,
            scopes=key.scopes,
            method=SignInMethod.API_KEY,
            expires_at=now_ms // 1_000 + PRINCIPAL_LIFE_S,
            signed_in_at=now_ms // 1_000,
            key=key.id,
            level=key.level,
        )

    def _is_signed(self, key: ApiKey, headers: SignedHeaders, text: bytes) -> bool:
        if key.algorithm is Algorithm.ED25519:
            return self._ed25519(key.material, headers.signature, text)
        secret = self._secrets.open(key.material, seal_context(key.account, key.name))
        return hmac.compare_digest(hmac.digest(secret, text, "sha256"), headers.signature)

    def _note_use(self, key: ApiKey, now_ms: int, address: str) -> None:
        noted_ms = max(key.used_at_ms, self._noted.get(key.id, 0))
        if now_ms - noted_ms < USE_NOTED_EVERY_MS:
            return
        if len(self._noted) >= _NOTED_MAX:
            self._noted.clear()
        self._noted[key.id] = now_ms
        self._memory.note_use(key, now_ms, address)


def _require_usable(key: ApiKey, request: SentRequest) -> None:
    state = key.state(request.arrived_at_ms)
    if state != "active":
        raise Unauthenticated(f"key_{state}", "Make a new key with POST /v1/api-keys.")
    if not key.admits(request.address):
        raise NotAllowed(
            "address_not_allowed",
            "Send from one of the key's addresses, or make a key with others.",
        )
