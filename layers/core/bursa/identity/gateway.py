"""How an authorizer speaks with API Gateway."""

from collections.abc import Mapping
from typing import Any

from bursa.identity.sign_in import SignedInUser
from bursa.kernel.errors import Unauthenticated


def sent_token(event: Mapping[str, Any]) -> str:
    """Find the token in an authorizer's event.

    Raises
    ------
    Unauthenticated
        ``missing_token``, or ``invalid_token`` when the header is of another scheme.

    """
    query = event.get("queryStringParameters") or {}
    if "token" in query:
        return str(query["token"])
    header = event.get("authorizationToken") or _header(event, "authorization")
    if not header:
        raise Unauthenticated("missing_token", "Send 'Authorization: Bearer <token>'.")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("invalid_token", "Send 'Authorization: Bearer <token>'.")
    return token.strip()


def _header(event: Mapping[str, Any], name: str) -> str:
    for known, value in (event.get("headers") or {}).items():
        if known.lower() == name:
            return str(value)
    return ""


def allow(method_arn: str, user: SignedInUser) -> dict[str, Any]:
    """Write an authorizer's yes.

    The gateway keeps it for all of the user's requests, so it allows the whole stage: what a user
    may see is decided by the account in it, not by the path. Context values must be strings,
    numbers or booleans, and arrive as strings.
    """
    stage = "/".join(method_arn.split("/")[:2])
    return {
        "principalId": user.subject,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": f"{stage}/*"}
            ],
        },
        "context": {
            "tenant": str(user.account.tenant),
            "account": str(user.account),
            "subject": user.subject,
            "expires_at": str(user.expires_at),
        },
    }


def deny(method_arn: str) -> dict[str, Any]:
    """Write an authorizer's no, for nobody in particular."""
    return {
        "principalId": "nobody",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": method_arn}
            ],
        },
    }
