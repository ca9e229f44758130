"""How an authorizer and the functions behind it speak with API Gateway.

The REST API asks with the Authorization header, the WebSocket API with the query of $connect. A
verdict is kept by the gateway under the caller's header and is applied to every route, so a policy
names all routes that the caller's scopes allow (docs/adr/0025).

Where the header names an API key, the verdict proves nothing about the caller: it hands on what the
request's signature is verified with, under names that `authorized_principal` does not read. So a
function that verifies no signature lets no key in (docs/adr/0047).
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from bursa.back_office.roles import Role
from bursa.identity.api_keys import Algorithm, ApiKey
from bursa.identity.principal import Principal, Scope, SignInMethod
from bursa.kernel.errors import InvalidInput, Unauthenticated
from bursa.kernel.identifiers import AccountId
from bursa.kernel.rates import Rate
from bursa.kernel.visitors import VisitorId
from bursa.tenants.account_limits import (
    AccountLimits,
    account_limits_as_text,
    account_limits_from,
)

# Method and path after the stage; `*` stands for a path parameter. The routes and their scopes are
# listed in `bursa.dialects.native.operations`, which a cold start can't afford to import;
# tests/contract/test_scopes.py compares the two.
ROUTES: Final[Mapping[Scope, tuple[str, ...]]] = {
    Scope.READ: (
        "GET/balances",
        "GET/fees",
        "GET/fills",
        "GET/me",
        "GET/order-lists",
        "GET/order-lists/*",
        "GET/orders",
        "GET/orders/*",
        "POST/ws-ticket",
    ),
    Scope.TRADE: (
        "POST/order-lists",
        "POST/orders",
        "POST/orders/batch",
        "POST/orders/cancel-all-after",
        "POST/orders/*/replace",
        "PATCH/orders/*",
        "DELETE/order-lists/*",
        "DELETE/orders",
        "DELETE/orders/*",
    ),
    Scope.TRANSFER: ("POST/transfers",),
    Scope.WITHDRAW: (),
    Scope.ACCOUNT: (
        "DELETE/api-keys/*",
        "DELETE/me/identities/*",
        "DELETE/sessions/*",
        "DELETE/sub-accounts/*",
        "GET/api-keys",
        "GET/kyc",
        "GET/me/export",
        "GET/me/identities",
        "GET/me/preferences",
        "GET/notices",
        "GET/security-events",
        "GET/sessions",
        "GET/sub-accounts",
        "GET/transfers",
        "POST/api-keys",
        "POST/kyc/applications",
        "POST/kyc/documents",
        "POST/me/close",
        "POST/me/password",
        "POST/notices/read",
        "POST/second-factor",
        "POST/second-factor/confirm",
        "POST/second-factor/remove",
        "POST/sessions/revoke",
        "POST/sub-accounts",
        "PUT/kyc/personal-data",
        "PUT/me/identities/*",
        "PUT/me/preferences",
        "PUT/sub-accounts/*",
    ),
}
# Those of a tenant's back office, for who has a role there and signed in as a whole user; which
# role may do what is decided behind them (`bursa.back_office.roles`).
BACK_OFFICE_ROUTES: Final = ("GET/admin/*", "POST/admin/*")
_KEY_SCHEME: Final = "bursa-key"
_SEND: Final = "Send 'Authorization: Bearer <token>' or 'Authorization: Bursa-Key <key id>'."
CONNECT: Final = "$connect"
_CONNECT_SCOPE: Final = Scope.READ
_TICKET: Final = "ticket"


def is_connect(method_arn: str) -> bool:
    """Return whether a WebSocket asks to be opened, rather than a REST route to be called."""
    return method_arn.endswith(f"/{CONNECT}")


def sent_ticket(event: Mapping[str, Any]) -> str:
    """Return the ticket in the query of a WebSocket that asks to be opened.

    Raises
    ------
    Unauthenticated
        ``missing_ticket``, or ``invalid_ticket`` when the query holds anything else.

    """
    query = event.get("queryStringParameters") or {}
    sent = event.get("multiValueQueryStringParameters") or {}
    if _TICKET not in query:
        raise Unauthenticated("missing_ticket", "Connect with '?ticket=' of POST /v1/ws-ticket.")
    if set(query) | set(sent) != {_TICKET} or len(sent.get(_TICKET, [_TICKET])) != 1:
        raise Unauthenticated("invalid_ticket", "Connect with one ticket and nothing else.")
    return str(query[_TICKET])


def sent_key(event: Mapping[str, Any]) -> str | None:
    """Return the id of the API key that a REST request names; None when it names none."""
    scheme, _, key_id = _authorization(event).partition(" ")
    return key_id.strip() if scheme.lower() == _KEY_SCHEME else None


def sent_token(event: Mapping[str, Any]) -> str:
    """Return the token of a REST request.

    Raises
    ------
    Unauthenticated
        ``missing_token``, or ``invalid_token`` when the header is of another scheme.

    """
    return bearer_token(_authorization(event))


def sent_origin(event: Mapping[str, Any]) -> str | None:
    """Return the origin of the page that asks; None where it is no page of a browser's."""
    return _header(event, "origin")


def sent_user_agent(event: Mapping[str, Any]) -> str:
    """Return what a client says that it is; empty where it does not."""
    return _header(event, "user-agent") or ""


def sent_from(event: Mapping[str, Any]) -> str:
    """Return the address that the gateway saw a request come from; no header is believed."""
    context = event.get("requestContext") or {}
    return str((context.get("identity") or {}).get("sourceIp") or "")


def asked_host(event: Mapping[str, Any]) -> str:
    """Return the host name that the gateway took a request at."""
    context = event.get("requestContext") or {}
    return str(context.get("domainName") or _header(event, "host") or "")


def _authorization(event: Mapping[str, Any]) -> str:
    return _header(event, "authorization") or ""


def _header(event: Mapping[str, Any], name: str) -> str | None:
    for known, value in (event.get("headers") or {}).items():
        # Gateways write its name in the client's case or in lower case.
        if known.lower() == name:
            return str(value)
    return None


def bearer_token(header: str) -> str:
    """Return the token of an Authorization header; raises as `sent_token` does."""
    if not header:
        raise Unauthenticated("missing_token", _SEND)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("invalid_token", _SEND)
    return token.strip()


def allow(
    method_arn: str, principal: Principal, origins: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the verdict for a principal: the routes that its scopes allow, and who it is.

    The origins of its tenant go with it, so that no function has to look them up.

    A principal without any scope of the API that asks gets no route, so that the gateway refuses.
    Context values must be strings, numbers or booleans, and arrive as strings.
    """
    stage = "/".join(method_arn.split("/")[:2])
    if is_connect(method_arn):
        routes = [CONNECT] if _CONNECT_SCOPE in principal.scopes else []
    else:
        routes = [route for scope in Scope if scope in principal.scopes for route in ROUTES[scope]]
        if principal.role is not None and Scope.ACCOUNT in principal.scopes:
            routes += BACK_OFFICE_ROUTES
    if not routes:
        return deny(method_arn)
    return _verdict(principal.user, "Allow", [f"{stage}/{route}" for route in routes]) | {
        "context": {
            "tenant": str(principal.tenant),
            "account": str(principal.account),
            "user": principal.user,
            "scopes": " ".join(sorted(principal.scopes)),
            "method": str(principal.method),
            "expires_at": str(principal.expires_at),
            "signed_in_at": str(principal.signed_in_at),
            "level": str(principal.level),
        }
        | ({"key": principal.key} if principal.key else {})
        | ({"role": str(principal.role)} if principal.role else {})
        | ({"session": principal.session} if principal.session else {})
        | _limited(principal.own_limits)
        | _listed(origins)
    }


def allow_key(
    method_arn: str, key: ApiKey, origins: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Return the verdict for requests that name a key: its routes, and how to verify them.

    Also for a key that is over: only who has signed with it is told so.
    """
    stage = "/".join(method_arn.split("/")[:2])
    routes = [route for scope in Scope if scope in key.scopes for route in ROUTES[scope]]
    if not routes or is_connect(method_arn):
        return deny(method_arn)
    rate = key.rate or Rate(0, 0)
    context = {
        "tenant": str(key.account.tenant),
        "signing_key": key.id,
        "key_user": key.user,
        "key_scopes": " ".join(sorted(key.scopes)),
        "key_algorithm": str(key.algorithm),
        "key_material": b64encode(key.material).decode(),
        "key_addresses": " ".join(key.addresses),
        "key_expires_at_ms": str(key.expires_at_ms),
        "key_rate": f"{rate.per_s} {rate.burst}",
        "key_revoked_at_ms": str(key.revoked_at_ms),
        "key_used_at_ms": str(key.used_at_ms),
        "key_level": str(key.level),
    }
    context |= _limited(key.own_limits) | _listed(origins)
    resources = [f"{stage}/{route}" for route in routes]
    return _verdict(key.id, "Allow", resources) | {"context": context}


def allow_visitor(method_arn: str, visitor: VisitorId) -> dict[str, Any]:
    """Return the verdict for who connects without signing in: the WebSocket, and nothing else."""
    context = {"tenant": str(visitor.tenant), "visitor": str(visitor)}
    return _verdict(str(visitor), "Allow", [method_arn]) | {"context": context}


def deny(method_arn: str) -> dict[str, Any]:
    """Return the verdict for a caller who is not known, or who may do nothing here."""
    return _verdict("nobody", "Deny", [method_arn])


def _listed(origins: frozenset[str]) -> dict[str, str]:
    return {"origins": " ".join(sorted(origins))} if origins else {}


def _limited(own: AccountLimits) -> dict[str, str]:
    text = account_limits_as_text(own)
    return {"own_limits": text} if text else {}


def listed_origins(context: Mapping[str, str]) -> frozenset[str]:
    """Return the origins of the caller's tenant; none without a verdict."""
    return frozenset(context.get("origins", "").split())


def _verdict(user: str, effect: str, resources: list[str]) -> dict[str, Any]:
    return {
        "principalId": user,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resources}
            ],
        },
    }


def authorized_principal(context: Mapping[str, str]) -> Principal:
    """Return the principal of a request from the context that `allow` gave its verdict.

    Raises
    ------
    Unauthenticated
        ``unauthenticated``: the route was called without an authorizer.

    """
    if "account" not in context:
        raise Unauthenticated("unauthenticated", "Sign in first.")
    try:
        return Principal(
            account=AccountId.parse(context["account"]),
            user=context["user"],
            scopes=frozenset(map(Scope, context["scopes"].split())),
            method=SignInMethod(context["method"]),
            expires_at=int(context["expires_at"]),
            signed_in_at=int(context["signed_in_at"]),
            key=context.get("key", ""),
            level=int(context["level"]),
            role=Role(context["role"]) if "role" in context else None,
            session=context.get("session", ""),
            own_limits=account_limits_from(context.get("own_limits", "")),
        )
    except (KeyError, ValueError, InvalidInput):
        # The gateway keeps verdicts for a while, also those of the version before a deployment.
        raise Unauthenticated("unauthenticated", "Sign in again.") from None


def signing_key(context: Mapping[str, str]) -> ApiKey | None:
    """Return the key that a request must be signed with; None for a request with a token.

    Raises `Unauthenticated` ``unauthenticated`` for a verdict of another version.
    """
    if "signing_key" not in context:
        return None
    try:
        account, _, name = context["signing_key"].partition(".")
        per_s, burst = map(int, context["key_rate"].split())
        return ApiKey(
            account=AccountId.parse(account),
            name=name,
            user=context["key_user"],
            label="",
            scopes=frozenset(map(Scope, context["key_scopes"].split())),
            algorithm=Algorithm(context["key_algorithm"]),
            material=b64decode(context["key_material"]),
            created_at_ms=0,
            addresses=tuple(context.get("key_addresses", "").split()),
            expires_at_ms=int(context["key_expires_at_ms"]),
            rate=Rate(per_s, burst) if per_s else None,
            revoked_at_ms=int(context["key_revoked_at_ms"]),
            used_at_ms=int(context["key_used_at_ms"]),
            level=int(context["key_level"]),
            own_limits=account_limits_from(context.get("own_limits", "")),
        )
    except (KeyError, ValueError, InvalidInput):
        raise Unauthenticated("unauthenticated", "Send the same request again.") from None
