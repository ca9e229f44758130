"""From a token to the tenant and account it speaks for.

A token is data until every check has passed: its issuer must be one that the directory knows
before anything is fetched for it, so that nobody can send us to a host of his choice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile

_TOKEN_USES = ("access", "id")
_SIGN_IN = "Sign in and send the new token as 'Authorization: Bearer <token>'."


class Directory(Protocol):
    """Who may act in this deployment."""

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Find the tenant whose users this issuer signs in; None for a stranger."""

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        """Find the account of a signed-in user; None when the user has none yet."""


class TokenReader(Protocol):
    """Reads JSON Web Tokens."""

    def issuer(self, token: str) -> str:
        """Read who the token says has issued it, unverified; raises `Unauthenticated`."""

    def verify(self, token: str, issuer: str) -> Mapping[str, Any]:
        """Verify signature, issuer and times; return the claims. Raises `Unauthenticated`."""


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """Whom a verified token speaks for.

    ``expires_at`` is the token's own end, in seconds since 1970; gateways may keep the verdict
    for longer.
    """

    account: AccountId
    subject: str
    expires_at: int


class SignIn:
    """Decides whether a token is good, and whose it is."""

    def __init__(self, directory: Directory, tokens: TokenReader) -> None:
        self._directory = directory
        self._tokens = tokens

    def __call__(self, token: str) -> SignedInUser:
        """Verify a token.

        Raises
        ------
        Unauthenticated
            ``invalid_token``, ``token_expired``, ``unknown_issuer``, ``wrong_audience``,
            ``wrong_token_use``, ``unknown_user``.

        """
        issuer = self._tokens.issuer(token)
        profile = self._directory.tenant_of(issuer)
        # A row of another deployment's making could lead an issuer to a tenant that disowns it.
        if profile is None or profile.issuer != issuer:
            raise Unauthenticated("unknown_issuer", _SIGN_IN)
        claims = self._tokens.verify(token, issuer)
        _require_audience(claims, profile)
        subject = str(claims["sub"])
        account = self._directory.account_of(profile.tenant, subject)
        if account is None:
            raise Unauthenticated("unknown_user", "Ask the exchange to open an account for you.")
        return SignedInUser(account, subject, int(claims["exp"]))


def _require_audience(claims: Mapping[str, Any], profile: TenantProfile) -> None:
    """Check what the token is for: an access token names its client apart from the audience."""
    use = claims.get("token_use")
    if use not in _TOKEN_USES:
        raise Unauthenticated("wrong_token_use", _SIGN_IN)
    client = claims.get("client_id" if use == "access" else "aud")
    if not isinstance(client, str) or client not in profile.client_ids:
        raise Unauthenticated("wrong_audience", _SIGN_IN)
