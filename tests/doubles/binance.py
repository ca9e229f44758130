"""A client of the Binance dialect: it signs, and sends as API Gateway's HTTP API hands it on."""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from bursa.aws.clients import dynamodb_client, kms_client
from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.api_keys_dynamodb import ApiKeysTable
from bursa.identity.records_dynamodb import IdentityModels
from bursa.identity.security_events import SecurityEvent, SecurityEventKind
from bursa.kernel.identifiers import AccountId
from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import ALICE, read_event
from tests.doubles.signing import ADDRESS, PRIVATE, SECRET, hmac_key

_REQUESTS = count()
KINDS = ("query", "form", "both", "json")


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def error(self) -> tuple[int, str]:
        return self.body["code"], self.body["msg"]


class Context:
    """What Lambda says about an invocation."""

    function_name = "test"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:test"
    aws_request_id = "0b0e6f0c-0000-4000-8000-000000000003"


def keep_key(account: AccountId = ALICE, **changes: Any) -> ApiKey:
    """Keep an HMAC key, whose secret is `SECRET`, and an account of its user's."""
    key = hmac_key(kms_client(), account, user=f"user-{account}", **changes)
    add_key(key)
    return key


def add_key(key: ApiKey) -> None:
    """Keep a key as POST /v1/api-keys does."""
    DirectoryTable(dynamodb_client(), "directory").open_account(key.account.tenant, key.user)
    event = SecurityEvent(
        SecurityEventKind.API_KEY_MADE, key.account, key.user, key.created_at_ms, ADDRESS, key.id
    )
    assert ApiKeysTable(IdentityModels("identity")).add(key, event, 0)


@dataclass
class BinanceClient:
    """A client of one account.

    Attributes
    ----------
    kind
        How parameters are sent, one of `KINDS`.
    tenant
        What a path begins with, where tenants share a host.

    """

    function: ModuleType
    clock: Any
    key: ApiKey
    kind: str = "form"
    tenant: str = ""
    host: str = "api.demo.example"
    headers: dict[str, str] = field(default_factory=dict)
    address: str = ADDRESS

    def public(self, path: str, **parameters: object) -> Answer:
        """Ask without a key."""
        return self.send("GET", path, urlencode(parameters), "", {})

    def signed(self, method: str, path: str, **parameters: object) -> Answer:
        """Send a signed request."""
        # Each in a millisecond of its own, as most clients do.
        self.clock.exchange.time_ms += 1
        parameters.setdefault("timestamp", self.clock.now_ms())
        named = {name: value for name, value in parameters.items() if value is not None}
        query, body = self.parts(method, named)
        signature = self.sign((query + body).encode())
        if body:
            body += f"&signature={signature}"
        else:
            query += f"&signature={signature}"
        return self.send(method, path, query, body, {"x-mbx-apikey": self.key.id})

    def parts(self, method: str, parameters: Mapping[str, object]) -> tuple[str, str]:
        if method == "GET" or self.kind in {"query", "json"}:
            return urlencode(parameters), ""
        if self.kind == "form":
            return "", urlencode(parameters)
        names = list(parameters)
        half = len(names) // 2
        return (
            urlencode({name: parameters[name] for name in names[:half]}),
            urlencode({name: parameters[name] for name in names[half:]}),
        )

    def sign(self, text: bytes) -> str:
        if self.key.algorithm is Algorithm.ED25519:
            return quote(b64encode(PRIVATE.sign(text)), safe="")
        return hmac.digest(SECRET.encode(), text, "sha256").hex()

    def send(
        self, method: str, path: str, query: str, body: str, headers: Mapping[str, str]
    ) -> Answer:
        event = read_event("binance-depth")
        event |= {"rawPath": f"{self.tenant}{path}", "rawQueryString": query}
        if body:
            event["body"] = body
        content = "application/json" if self.kind == "json" else "application/x-www-form-urlencoded"
        event["headers"] = {"host": self.host, "content-type": content, **self.headers, **headers}
        context = event["requestContext"]
        context["http"] |= {"method": method, "path": path, "sourceIp": self.address}
        context |= {"timeEpoch": self.clock.now_ms(), "domainName": self.host}
        return self.raw(event)

    def raw(self, event: dict[str, Any]) -> Answer:
        # The gateway names each request anew.
        event["requestContext"]["requestId"] = f"request-{next(_REQUESTS)}"
        response = self.function.handler(event, Context())
        return Answer(response["statusCode"], json.loads(response["body"]), response["headers"])
