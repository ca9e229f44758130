"""What verifying a signed request costs in the process: no tables, no KMS, no gateway.

    PYTHONPATH=.:layers/core .venv/bin/python benchmarks/bench_signed_requests.py

A request to place an order, read, verified and admitted, by each algorithm: the median of several
rounds, and the first request of a process that has not loaded the library yet, of which several
are started.
"""

import hmac
import statistics
import subprocess
import sys
import time
from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.principal import Scope
from bursa.identity.signatures import SentRequest, text_to_sign
from bursa.identity.signatures_cryptography import is_ed25519
from bursa.identity.signed_requests import SignedRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROUNDS, REQUESTS = 9, 300
NOW_MS = 1_795_291_200_000
SECRET = b"5e" * 32
BODY = b'{"market":"BTC-USDT","side":"buy","price":"25000.01","quantity":"0.5"}'
REQUEST = SentRequest("POST", "/orders", {}, {}, BODY, "198.51.100.7", NOW_MS)
STARTS = 9


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

    def require(self, tenant: TenantId, key_id: str, rate: Rate, count: int) -> None:
        """Do nothing."""


def main() -> None:
    """Print the medians."""
    if len(sys.argv) > 1:
        print(first_ms(Algorithm(sys.argv[1]), sys.argv[2], sys.argv[3]))
        return
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - `first_ms`
        Ed25519PrivateKey,
    )

    private = Ed25519PrivateKey.generate()
    nothing = Nothing()
    verify = SignedRequests(is_ed25519, nothing, nothing, nothing)
    for algorithm in Algorithm:
        one = _key(algorithm, private.public_key().public_bytes_raw())
        request = _signed(one, private)
        rounds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(REQUESTS):
                verify(one, request)
            rounds.append((time.perf_counter() - began) / REQUESTS * 1e6)
        signature = request.headers["x-bursa-signature"]
        command = [sys.executable, __file__, algorithm, one.material.hex(), signature]
        firsts = [
            float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - this file
            for _ in range(STARTS)
        ]
        warm_us, cold_ms = statistics.median(rounds), statistics.median(firsts)
        print(f"{algorithm:12} {warm_us:6.0f} us, the first of a process {cold_ms:.1f} ms")


def first_ms(algorithm: Algorithm, material: str, signature: str) -> float:
    """Return how long the first verification of this process takes."""
    nothing = Nothing()
    verify = SignedRequests(is_ed25519, nothing, nothing, nothing)
    headers = {"x-bursa-timestamp": str(NOW_MS), "x-bursa-signature": signature}
    request = replace(REQUEST, headers=headers)
    began = time.perf_counter()
    verify(_key(algorithm, bytes.fromhex(material)), request)
    return (time.perf_counter() - began) * 1e3


def _key(algorithm: Algorithm, material: bytes) -> ApiKey:
    account, scopes = AccountId.parse("t1-1"), frozenset({Scope.TRADE})
    return ApiKey(account, "0" * 24, "user", "bot", scopes, algorithm, material, NOW_MS)


def _signed(key: ApiKey, private: "Ed25519PrivateKey") -> SentRequest:
    request = REQUEST
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
