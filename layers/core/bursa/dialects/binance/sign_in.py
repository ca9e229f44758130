"""From a signed request to who has sent it: key, time, signature, and what the key may do.

No authorizer stands before these routes, because the signature is over the body, which that does
not see. What is found of a key is kept for as long as the other APIs' gateway keeps its verdicts
(docs/adr/0025), so that a key that is revoked is refused after the same time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from bursa.dialects.binance.errors import BAD_KEY_FORMAT, REJECTED_KEY, error
from bursa.dialects.binance.parameters import Parameters
from bursa.dialects.binance.signatures import check_time, signature_bytes, split_signature
from bursa.identity.api_keys import ApiKey, split_id
from bursa.identity.principal import Principal, Scope
from bursa.identity.signed_requests import SignedText
from bursa.kernel.clock import MonotonicClock
from bursa.kernel.identifiers import TenantId

KEY_HEADER: Final = "x-mbx-apikey"
KEPT_MS: Final = 10_000
_KEPT_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it was sent.

    Attributes
    ----------
    path
        Without what the gateway adds before it.
    query, body
        Byte for byte, the bytes as characters of UTF-8.
    headers
        By name in lower case.
    tenant
        What the request itself calls its tenant; None where its host says it.
    address, arrived_at_ms, request_id
        As the gateway saw it.

    """

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    host: str
    address: str
    arrived_at_ms: int
    request_id: str
    tenant: str | None = None


class Prove(Protocol):
    """Verifies what was signed; see `bursa.identity.signed_requests.SignedRequests.prove`."""

    def __call__(self, key: ApiKey, signed: SignedText) -> Principal:
        """Return the principal that a signed text proves."""


class BinanceSignIn:
    """Finds out who has signed.

    Parameters
    ----------
    find_key
        Returns the key of an id, whose user may still sign in; raises `Unauthenticated`.

    """

    def __init__(
        self, find_key: Callable[[str], ApiKey], prove: Prove, clock: MonotonicClock
    ) -> None:
        self._find_key = find_key
        self._prove = prove
        self._clock = clock
        self._kept: dict[str, tuple[int, ApiKey]] = {}

    def __call__(
        self,
        request: SentRequest,
        parameters: Parameters,
        tenant: TenantId,
        scope: Scope,
        *,
        counts_once: bool,
    ) -> Principal:
        """Return who has signed a request to a tenant, who may do what needs a scope.

        Raises
        ------
        BinanceError
            -2014 without a key, -2015 for one that is not good here, -1102 and -1021 by its time,
            -1022 for a wrong signature.
        BursaError
            What `find_key` and `prove` raise.

        """
        key_id = request.headers.get(KEY_HEADER, "")
        named = split_id(key_id)
        if named is None:
            raise error(BAD_KEY_FORMAT)
        parts = split_signature(request.query, request.body)
        check_time(parameters, request.arrived_at_ms)
        if named[0].tenant != tenant:
            raise error(REJECTED_KEY)
        key = self._key(key_id)
        signed = SignedText(
            parts.text.encode(),
            signature_bytes(parts.signature, key.algorithm),
            request.address,
            request.arrived_at_ms,
            request.request_id,
            counts_once,
        )
        principal = self._prove(key, signed)
        if scope not in principal.scopes:
            raise error(REJECTED_KEY)
        return principal

    def _key(self, key_id: str) -> ApiKey:
        now_ms = int(self._clock.monotonic_ms())
        known = self._kept.get(key_id)
        if known is not None and now_ms - known[0] < KEPT_MS:
            return known[1]
        key = self._find_key(key_id)
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[key_id] = now_ms, key
        return key
