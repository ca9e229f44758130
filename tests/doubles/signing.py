"""API keys of the miniature, and requests signed with them as API Gateway hands them on."""

import importlib.util
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.gateway import allow_key
from bursa.identity.principal import Scope
from bursa.identity.signed_requests import seal_context
from bursa.kernel.identifiers import AccountId
from tests.doubles.exchange import ALICE, CREDENTIALS_KEY, NOON_MS, read_event

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "198.51.100.7"
METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:abc123/v1/GET/balances"
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SECRET = "5e" * 32
NAME = "0123456789abcdef01234567"


def example_client() -> ModuleType:
    """Load the client of docs/examples, which signs as a user's program does."""
    place = ROOT / "docs" / "examples" / "key_auth.py"
    spec = importlib.util.spec_from_file_location("key_auth", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLIENT = example_client()


def ed25519_key(account: AccountId = ALICE, **changes: Any) -> ApiKey:
    key = ApiKey(
        account=account,
        name=NAME,
        user="alice",
        label="bot",
        scopes=frozenset({Scope.READ, Scope.TRADE}),
        algorithm=Algorithm.ED25519,
        material=PRIVATE.public_key().public_bytes_raw(),
        created_at_ms=NOON_MS - 1_000,
    )
    return replace(key, **changes)


def hmac_key(kms: Any, account: AccountId = ALICE, **changes: Any) -> ApiKey:
    sealed = kms.encrypt(
        KeyId=CREDENTIALS_KEY,
        Plaintext=SECRET.encode(),
        EncryptionContext=seal_context(account, NAME),
    )["CiphertextBlob"]
    key = ed25519_key(account, algorithm=Algorithm.HMAC_SHA256, material=sealed)
    return replace(key, **changes)


@dataclass(frozen=True)
class Signed:
    """A request and what it is signed over; each may be changed without the other."""

    method: str = "GET"
    path: str = "/balances"
    query: tuple[tuple[str, str], ...] = ()
    body: str = ""
    idempotency_key: str = ""
    time_ms: int = NOON_MS
    nonce: str = ""
    address: str = ADDRESS
    arrived_at_ms: int = NOON_MS

    def headers(self, key: ApiKey) -> dict[str, str]:
        """Return what the client adds, lower-cased as gateways may do."""
        is_public = key.algorithm is Algorithm.ED25519
        signed = CLIENT.signature_headers(
            key.id,
            PRIVATE.sign if is_public else CLIENT.hmac_signer(SECRET),
            method=self.method,
            path=f"/v1{self.path}",
            query=list(self.query),
            body=self.body.encode(),
            idempotency_key=self.idempotency_key,
            time_ms=self.time_ms,
            nonce=self.nonce,
        )
        sent = {name.lower(): text for name, text in signed.items()}
        return sent | ({"idempotency-key": self.idempotency_key} if self.idempotency_key else {})

    def event(self, key: ApiKey, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the event of the function, with the verdict that the authorizer gave for a key."""
        event = read_event("orders-place")
        sent = dict(self.headers(key) if headers is None else headers)
        every: dict[str, list[str]] = {}
        for name, value in self.query:
            every.setdefault(name, []).append(value)
        event |= {
            "httpMethod": self.method,
            "path": self.path,
            "resource": self.path,
            "headers": sent,
            "multiValueHeaders": {name: [text] for name, text in sent.items()},
            "queryStringParameters": {name: values[-1] for name, values in every.items()} or None,
            "multiValueQueryStringParameters": every or None,
            "body": self.body or None,
        }
        context = event["requestContext"]
        context["authorizer"] = allow_key(METHOD_ARN, key)["context"]
        context["identity"]["sourceIp"] = self.address
        context["requestTimeEpoch"] = self.arrived_at_ms
        return event


def signature_of(headers: Mapping[str, str]) -> bytes:
    return b64decode(headers["x-bursa-signature"])
