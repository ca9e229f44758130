"""What verifying a signed request costs in the process: no tables, no KMS, no gateway.

    PYTHONPATH=.:layers/core .venv/bin/python benchmarks/bench_signed_requests.py

A request to place an order, read, verified and admitted, by each algorithm; the median of several
rounds, in microseconds. The first Ed25519 request of a process also loads the library.
"""

import hmac
import statistics
import time
from base64 import b64encode
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.principal import Scope
from bursa.identity.signatures import SentRequest, text_to_sign
from bursa.identity.signatures_cryptography import is_ed25519
from bursa.identity.signed_requests import SignedRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate

ROUNDS, REQUESTS = 9, 300
NOW_MS = 1_795_291_200_000
SECRET = b"5e" * 32
BODY = b'{"market":"BTC-USDT","side":"buy","price":"25000.01","quantity":"0.5"}'


class Nothing:
    """Remembers, seals and charges nothing."""

    def open(self, _sealed: bytes, _context: dict[str, str]) -> bytes:
        """Return the secret."""
        return SECRET

    def is_first(self, _account: AccountId, _digest: str, _request_id: str, _now_ms: int) -> bool:
        """Return that it was not known."""
        return True

    def note_use(self, key: ApiKey, now_ms: int, address: str) -> None:
        """Do nothing."""

    def require(self, tenant: TenantId, key_id: str, rate: Rate) -> None:
        """Do nothing."""


def main() -> None:
    """Print the medians."""
    private = Ed25519PrivateKey.generate()
    nothing = Nothing()
    verify = SignedRequests(is_ed25519, nothing, nothing, nothing)
    key = ApiKey(
        AccountId.parse("t1-1"),
        "0" * 24,
        "user",
        "bot",
        frozenset({Scope.TRADE}),
        Algorithm.ED25519,
        private.public_key().public_bytes_raw(),
        NOW_MS,
    )
    for algorithm in Algorithm:
        one = replace(key, algorithm=algorithm)
        request = _signed(one, private)
        began = time.perf_counter()
        verify(one, request)
        first_ms = (time.perf_counter() - began) * 1e3
        rounds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(REQUESTS):
                verify(one, request)
            rounds.append((time.perf_counter() - began) / REQUESTS * 1e6)
        print(f"{algorithm:12} {statistics.median(rounds):6.0f} us, the first {first_ms:.1f} ms")


def _signed(key: ApiKey, private: Ed25519PrivateKey) -> SentRequest:
    request = SentRequest("POST", "/orders", {}, {}, BODY, "198.51.100.7", NOW_MS)
    text = text_to_sign(key.id, request, NOW_MS, "")
    is_public = key.algorithm is Algorithm.ED25519
    signature = private.sign(text) if is_public else hmac.digest(SECRET, text, "sha256")
    headers = {
        "x-bursa-timestamp": str(NOW_MS),
        "x-bursa-signature": b64encode(signature).decode(),
    }
    return replace(request, headers=headers)


if __name__ == "__main__":
    main()
