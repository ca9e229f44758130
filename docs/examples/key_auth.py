"""Sign requests to Bursa with an API key: `requests` with Ed25519 or HMAC-SHA256.

    BURSA_URL=https://api.example.com/v1  BURSA_KEY=t1-7.0123456789abcdef01234567
    BURSA_PRIVATE_KEY=key.pem  (Ed25519)  or  BURSA_SECRET=…  (HMAC)

    python key_auth.py GET '/orders?status=open'
    python key_auth.py POST /orders '{"market": "BTC-USDT", "side": "buy", …}'

Needs the packages requests and, for Ed25519, cryptography.
"""

import hashlib
import hmac
import os
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import requests
from requests.auth import AuthBase

Sign = Callable[[bytes], bytes]
TIMEOUT_S = 15


class KeyAuth(AuthBase):
    """Signs each request as it is sent: ``requests.get(url, auth=KeyAuth(…))``."""

    def __init__(self, base_url: str, key_id: str, sign: Sign) -> None:
        self._base_path = urlsplit(base_url).path
        self._key_id = key_id
        self._sign = sign

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers that authenticate a request."""
        url = urlsplit(request.url or "")
        body = request.body or b""
        headers = signature_headers(
            self._key_id,
            self._sign,
            method=request.method or "GET",
            path="/v1" + unquote(str(url.path)).removeprefix(self._base_path),
            query=parse_qsl(str(url.query), keep_blank_values=True),
            body=body.encode() if isinstance(body, str) else body,
            idempotency_key=request.headers.get("Idempotency-Key", ""),
        )
        request.headers.update(headers)
        return request


def signature_headers(
    key_id: str,
    sign: Sign,
    *,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    body: bytes,
    idempotency_key: str = "",
    time_ms: int | None = None,
    nonce: str = "",
) -> dict[str, str]:
    """Return the headers of a signed request; the path begins with /v1."""
    now = str(time_ms or time.time_ns() // 1_000_000)
    # Sorted by name; several values of one name stay in their order.
    pairs = sorted(
        ((quote(name, safe=""), quote(value, safe="")) for name, value in query), key=_name
    )
    lines = (
        "BURSA1",
        key_id,
        now,
        nonce,
        method,
        path,
        "&".join(f"{name}={value}" for name, value in pairs),
        quote(idempotency_key, safe=""),
        hashlib.sha256(body).hexdigest(),
    )
    headers = {
        "Authorization": f"Bursa-Key {key_id}",
        "X-Bursa-Timestamp": now,
        "X-Bursa-Signature": b64encode(sign("\n".join(lines).encode())).decode(),
    }
    return headers | ({"X-Bursa-Nonce": nonce} if nonce else {})


def _name(pair: tuple[str, str]) -> str:
    return pair[0]


def hmac_signer(secret: str) -> Sign:
    """Return what signs with the secret that was shown when the key was made."""
    return lambda text: hmac.digest(secret.encode(), text, "sha256")


def ed25519_signer(pem: bytes) -> Sign:
    """Return what signs with a private key: openssl genpkey -algorithm ed25519 -out key.pem."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    key = load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("This is no Ed25519 key.")
    return key.sign


def main() -> int:
    """Send one signed request; print its response."""
    method, path, *rest = sys.argv[1:]
    base_url = os.environ["BURSA_URL"]
    if "BURSA_SECRET" in os.environ:
        sign = hmac_signer(os.environ["BURSA_SECRET"])
    else:
        sign = ed25519_signer(Path(os.environ["BURSA_PRIVATE_KEY"]).read_bytes())
    auth = KeyAuth(base_url, os.environ["BURSA_KEY"], sign)
    response = requests.request(
        method, base_url + path, data="".join(rest) or None, auth=auth, timeout=TIMEOUT_S
    )
    print(response.text)
    return 0 if response.ok else 1


if __name__ == "__main__":
    sys.exit(main())
