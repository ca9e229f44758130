"""From a signed request to its principal: the one door for requests that bear no token.

The authorizer has only found the key, and its verdict is kept by the gateway under the key's id
(docs/adr/0047): it proves nothing about who sent this request. Here is what does, in this order:

    form        headers, method, path
    time        five seconds around the gateway's own time of arrival
    signature   over the canonical form, in constant time
    key         not revoked, not expired, an allowed address, its user not signed out for good
    budget      the key's own; a batch counts as its operations
    replay      each canonical form once

Another wire may have another form, and may let what only reads come again (`SignedText`).

Until the signature is verified a refusal says nothing about the key, and nothing is written or
charged for it.
"""

import hmac
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol
from urllib.parse import unquote

from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.principal import Principal, SignInMethod
from bursa.identity.signatures import (
    SentRequest,
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
# The route of several operations in one request (docs/api.md).
_BATCH = "/orders/batch"
# A longer body is refused, whatever it holds.
_BODY_BYTES_MAX = 32 * 1024


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

    def require(self, tenant: TenantId, key_id: str, rate: Rate, count: int) -> None:
        """Charge what a request counts as; raises `TooManyRequests`."""


@dataclass(frozen=True, slots=True)
class SignedText:
    """What was signed, and whatever else decides whether it counts.

    Attributes
    ----------
    text, signature
        Bytes; of any form that a wire has, the time of which has been checked.
    address, arrived_at_ms, request_id
        As of `SentRequest`.
    counts_once
        Whether the same text again is refused. It must name its own time, which is good for less
        than `bursa.identity.signed_requests_dynamodb.REMEMBERED_S`.
    weight
        How many requests it counts as in the key's own budget.

    """

    text: bytes
    signature: bytes
    address: str
    arrived_at_ms: int
    request_id: str
    counts_once: bool = True
    weight: int = 1


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
        headers = read_signed_headers(request.headers)
        text = text_to_sign(key.id, request, headers.time_ms, headers.nonce)
        check_time(headers.time_ms, request.arrived_at_ms)
        signed = SignedText(
            text,
            headers.signature,
            request.address,
            request.arrived_at_ms,
            request.request_id,
            weight=_weight(request),
        )
        return self.prove(key, signed)

    def prove(self, key: ApiKey, signed: SignedText) -> Principal:
        """Return the principal that a signed text proves, whatever wire it came by.

        Raises what is raised once a request's form and time are checked.
        """
        now_ms = signed.arrived_at_ms
        if not self._is_signed(key, signed):
            raise Unauthenticated(
                "wrong_signature", "Sign as docs/api.md describes, with the key that is named."
            )
        _require_usable(key, signed)
        if key.rate is not None:
            self._budgets.require(key.account.tenant, key.id, key.rate, signed.weight)
        if signed.counts_once:
            self._require_first(key, signed)
        self._note_use(key, now_ms, signed.address)
        return Principal(
            account=key.account,
            user=key.user,
            scopes=key.scopes,
            method=SignInMethod.API_KEY,
            expires_at=now_ms // 1_000 + PRINCIPAL_LIFE_S,
            signed_in_at=now_ms // 1_000,
            key=key.id,
            level=key.level,
            own_limits=key.own_limits,
        )

    def _require_first(self, key: ApiKey, signed: SignedText) -> None:
        digest = sha256(signed.text).hexdigest()
        if not self._memory.is_first(key.account, digest, signed.request_id, signed.arrived_at_ms):
            raise Unauthenticated(
                "request_replayed",
                "Sign each request anew; two in the same millisecond need an X-Bursa-Nonce.",
            )

    def _is_signed(self, key: ApiKey, signed: SignedText) -> bool:
        if key.algorithm is Algorithm.ED25519:
            return self._ed25519(key.material, signed.signature, signed.text)
        secret = self._secrets.open(key.material, seal_context(key.account, key.name))
        return hmac.compare_digest(hmac.digest(secret, signed.text, "sha256"), signed.signature)

    def _note_use(self, key: ApiKey, now_ms: int, address: str) -> None:
        noted_ms = max(key.used_at_ms, self._noted.get(key.id, 0))
        if now_ms - noted_ms < USE_NOTED_EVERY_MS:
            return
        if len(self._noted) >= _NOTED_MAX:
            self._noted.clear()
        self._noted[key.id] = now_ms
        self._memory.note_use(key, now_ms, address)


def _weight(request: SentRequest) -> int:
    """Return how many requests a request counts as; 1 for what will be refused for its form."""
    if request.method != "POST" or not unquote(request.path).endswith(_BATCH):
        return 1
    if len(request.body) > _BODY_BYTES_MAX:
        return 1
    try:
        operations = json.loads(request.body)["operations"]
    except (KeyError, RecursionError, TypeError, ValueError):
        return 1
    return max(1, len(operations)) if isinstance(operations, list) else 1


def _require_usable(key: ApiKey, signed: SignedText) -> None:
    state = key.state(signed.arrived_at_ms)
    if state != "active":
        raise Unauthenticated(f"key_{state}", "Make a new key with POST /v1/api-keys.")
    if not key.admits(signed.address):
        raise NotAllowed(
            "address_not_allowed",
            "Send from one of the key's addresses, or make a key with others.",
        )
