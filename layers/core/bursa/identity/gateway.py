"""How an authorizer and the functions behind it speak with API Gateway.

The REST API asks with the Authorization header, the WebSocket API with the query of $connect. A
verdict is kept by the gateway under the caller's header and is applied to every route, so a policy
names all routes that the caller's scopes allow (docs/adr/0025).
"""

from collections.abc import Mapping
from typing import Any, Final

from bursa.identity.principal import Principal, Scope, SignInMethod
from bursa.kernel.errors import InvalidInput, Unauthenticated
from bursa.kernel.identifiers import AccountId

# Method and path after the stage; `*` stands for a path parameter. The routes themselves and their
# scopes are listed in `bursa.dialects.native.openapi`, which a cold start can't afford to import;
# tests/contract/test_scopes.py compares the two.
ROUTES: Final[Mapping[Scope, tuple[str, ...]]] = {
    Scope.READ: (
        "GET/balances",
        "GET/fills",
        "GET/orders",
        "GET/orders/*",
        "POST/ws-ticket",
    ),
    Scope.TRADE: (
        "POST/orders",
        "POST/orders/batch",
        "DELETE/orders",
        "DELETE/orders/*",
    ),
    Scope.ACCOUNT: ("POST/sessions/revoke",),
}
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


def sent_token(event: Mapping[str, Any]) -> str:
    """Return the token of a REST request.

    Raises
    ------
    Unauthenticated
        ``missing_token``, or ``invalid_token`` when the header is of another scheme.

    """
    for known, value in (event.get("headers") or {}).items():
        # Gateways write its name in the client's case or in lower case.
        if known.lower() == "authorization":
            return bearer_token(str(value))
    return bearer_token("")


def bearer_token(header: str) -> str:
    """Return the token of an Authorization header; raises as `sent_token` does."""
    if not header:
        raise Unauthenticated("missing_token", "Send 'Authorization: Bearer <token>'.")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("invalid_token", "Send 'Authorization: Bearer <token>'.")
    return token.strip()


def allow(method_arn: str, principal: Principal) -> dict[str, Any]:
    """Return the verdict for a principal: the routes that its scopes allow, and who it is.

    A principal without any scope of the API that asks gets no route, so that the gateway refuses.
    Context values must be strings, numbers or booleans, and arrive as strings.
    """
    stage = "/".join(method_arn.split("/")[:2])
    if is_connect(method_arn):
        routes = [CONNECT] if _CONNECT_SCOPE in principal.scopes else []
    else:
        routes = [route for scope in Scope if scope in principal.scopes for route in ROUTES[scope]]
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
        }
    }


def deny(method_arn: str) -> dict[str, Any]:
    """Return the verdict for a caller who is not known, or who may do nothing here."""
    return _verdict("nobody", "Deny", [method_arn])


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
        )
    except (KeyError, ValueError, InvalidInput):
        # The gateway keeps verdicts for a while, also those of the version before a deployment.
        raise Unauthenticated("unauthenticated", "Sign in again.") from None
