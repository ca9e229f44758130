"""From a user's token to its principal.

A token is data until every check has passed. Its issuer must be one that the directory knows
before anything is fetched for it, so that a token can't make us call a host of its choice.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bursa.identity.principal import USER_SCOPES, Principal, SignInMethod
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile

_TOKEN_USES = ("access", "id")
_SIGN_IN = "Sign in and send the new token as 'Authorization: Bearer <token>'."


class Directory(Protocol):
    """Who may act in this deployment."""

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Return the tenant whose users this issuer signs in; None for an unknown issuer."""

    def account_of(self, tenant: TenantId, subject: str) -> AccountId | None:
        """Return the account of a signed-in user; None when the user has none yet."""


class TokenReader(Protocol):
    """Reads JSON Web Tokens."""

    def issuer(self, token: str) -> str:
        """Return the issuer that the token names, unverified; raises `Unauthenticated`."""

    def verify(self, token: str, issuer: str) -> Mapping[str, Any]:
        """Verify signature, issuer and times; return the claims. Raises `Unauthenticated`."""


class SignIn:
    """Verifies tokens of the tenants' user pools."""

    def __init__(self, directory: Directory, tokens: TokenReader) -> None:
        self._directory = directory
        self._tokens = tokens

    def __call__(self, token: str) -> Principal:
        """Return the principal that a token proves.

        Raises
        ------
        Unauthenticated
            ``invalid_token``, ``token_expired``, ``unknown_issuer``, ``wrong_audience``,
            ``wrong_token_use``, ``unknown_user``.

        """
        issuer = self._tokens.issuer(token)
        profile = self._directory.tenant_of(issuer)
        # The issuer's row only leads to the tenant; the tenant's own profile has the last word.
        if profile is None or profile.issuer != issuer:
            raise Unauthenticated("unknown_issuer", _SIGN_IN)
        claims = self._tokens.verify(token, issuer)
        _require_audience(claims, profile)
        subject = str(claims["sub"])
        account = self._directory.account_of(profile.tenant, subject)
        if account is None:
            raise Unauthenticated("unknown_user", "Ask the exchange to open an account for you.")
        return Principal(account, subject, USER_SCOPES, SignInMethod.USER_POOL, int(claims["exp"]))


def _require_audience(claims: Mapping[str, Any], profile: TenantProfile) -> None:
    """Check what the token is for: an access token names its client apart from the audience."""
    use = claims.get("token_use")
    if use not in _TOKEN_USES:
        raise Unauthenticated("wrong_token_use", _SIGN_IN)
    client = claims.get("client_id" if use == "access" else "aud")
    if not isinstance(client, str) or client not in profile.client_ids:
        raise Unauthenticated("wrong_audience", _SIGN_IN)
