"""From a user's token, or a one-use ticket, to its principal.

A token is data until every check has passed. Its issuer must be one that the directory knows
before anything is fetched for it, so that a token can't make us call a host of its choice.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from bursa.back_office.roles import role_of
from bursa.identity.claims import Claims
from bursa.identity.principal import USER_SCOPES, Principal, Scope, SignInMethod
from bursa.identity.session_check import SessionCheck
from bursa.identity.tickets import Tickets
from bursa.identity.users import User
from bursa.kernel.clock import MonotonicClock, WallClock
from bursa.kernel.errors import Unauthenticated
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.profile import TenantProfile

# How long a tenant's issuer and clients are kept; a user's own row is read every time.
PROFILE_AGE_MS_MAX: Final = 30_000
_SIGN_IN: Final = "Sign in and send the new access token as 'Authorization: Bearer <token>'."
# The user pool's word for what a user may do with its own account, which a sign-in without the
# hosted pages grants; and the scopes of our resource server (tenants/blueprints/identity.yaml).
_SCOPES: Final[Mapping[str, frozenset[Scope]]] = {
    "aws.cognito.signin.user.admin": USER_SCOPES,
    **{f"bursa/{scope}": frozenset({scope}) for scope in Scope},
}


class Directory(Protocol):
    """Who may act in this deployment."""

    def tenant_of(self, issuer: str) -> TenantProfile | None:
        """Return the tenant whose users this issuer signs in; None for an unknown issuer."""

    def user_of(self, tenant: TenantId, subject: str) -> User | None:
        """Return a signed-in user; None for one without an account."""


class TokenReader(Protocol):
    """Reads JSON Web Tokens."""

    def issuer(self, token: str) -> str:
        """Return the issuer that the token names, unverified; raises `Unauthenticated`."""

    def verify(self, token: str, issuer: str) -> Claims:
        """Verify signature, issuer and times; return the claims. Raises `Unauthenticated`."""


class Opening(Protocol):
    """Opens accounts; see `bursa.identity.account_opening.AccountOpening`."""

    def __call__(self, profile: TenantProfile, subject: str, token: str) -> AccountId:
        """Return the account of a user who has none yet; raises `Unauthenticated`."""


class SignInClock(MonotonicClock, WallClock, Protocol):
    """Both times."""


class SignIn:
    """Verifies tokens of the tenants' user pools."""

    def __init__(
        self, directory: Directory, tokens: TokenReader, clock: SignInClock, opening: Opening
    ) -> None:
        self._directory = directory
        self._tokens = tokens
        self._clock = clock
        self._opening = opening
        self._profiles: dict[str, tuple[float, TenantProfile]] = {}

    def __call__(self, token: str) -> Principal:
        """Return the principal that a token proves.

        Raises
        ------
        Unauthenticated
            ``invalid_token``, ``token_expired``, ``unknown_issuer``, ``id_token_refused``,
            ``wrong_token_use``, ``wrong_audience``, ``tenant_suspended``, ``account_closed``,
            ``session_ended``, and what `AccountOpening` refuses: ``unknown_user``,
            ``email_not_verified``, ``no_accounts_left``.
        Unavailable
            ``keys_unavailable``: nobody of the tenant can sign in at the moment;
            ``user_pool_unavailable``, ``directory_unavailable``: an account can't be opened.

        """
        issuer = self._tokens.issuer(token)
        profile = self._profile(issuer)
        # The issuer's row only leads to the tenant; the tenant's own profile has the last word.
        if profile is None or profile.issuer != issuer:
            raise Unauthenticated("unknown_issuer", _SIGN_IN)
        claims = self._tokens.verify(token, issuer)
        _require_access(claims, profile)
        if not profile.lets_in(self._clock.now_ms()):
            raise Unauthenticated("tenant_suspended", "Ask the exchange when it opens again.")
        user = self._directory.user_of(profile.tenant, claims.subject)
        if user is None:
            user = User(str(self._opening(profile, claims.subject, token)))
        if user.closed_at_ms:
            raise Unauthenticated("account_closed", "This account was closed by its user.")
        if not user.has_session(claims.signed_in_at, claims.session):
            raise Unauthenticated("session_ended", _SIGN_IN)
        return Principal(
            account=AccountId.parse(user.account),
            user=claims.subject,
            scopes=granted_scopes(claims.scopes),
            method=SignInMethod.USER_POOL,
            expires_at=claims.expires_at,
            signed_in_at=claims.signed_in_at,
            level=user.level,
            role=role_of(claims.groups),
            session=claims.session,
            own_limits=user.own_limits,
        )

    def _profile(self, issuer: str) -> TenantProfile | None:
        now_ms = self._clock.monotonic_ms()
        known = self._profiles.get(issuer)
        if known is not None and now_ms - known[0] < PROFILE_AGE_MS_MAX:
            return known[1]
        profile = self._directory.tenant_of(issuer)
        if profile is None or not profile.lets_in(self._clock.now_ms()):
            self._profiles.pop(issuer, None)
        else:
            # Only issuers of tenants are kept, so that strangers can't fill the memory; and none of
            # a suspended tenant, so that its users are let in as soon as it is resumed.
            self._profiles[issuer] = (now_ms, profile)
        return profile


class TicketSignIn:
    """Verifies one-use tickets."""

    def __init__(self, goes_on: SessionCheck, tickets: Tickets, clock: WallClock) -> None:
        self._goes_on = goes_on
        self._tickets = tickets
        self._clock = clock

    def __call__(self, ticket: str) -> Principal:
        """Return the principal that a ticket stands for; it is used up.

        Raises
        ------
        Unauthenticated
            ``invalid_ticket``, ``session_ended``.

        """
        principal = self._tickets.redeem(ticket)
        if not self._goes_on(principal, self._clock.now_ms()):
            raise Unauthenticated("session_ended", "Sign in again.")
        return principal


def granted_scopes(names: frozenset[str]) -> frozenset[Scope]:
    """Return what a token's scopes allow here; scopes of other services allow nothing."""
    return frozenset(scope for name in names for scope in _SCOPES.get(name, ()))


def _require_access(claims: Claims, profile: TenantProfile) -> None:
    """Check what the token is for: an id token says who someone is, and opens nothing."""
    if claims.use == "id":
        raise Unauthenticated("id_token_refused", f"An id token opens nothing. {_SIGN_IN}")
    if claims.use != "access":
        raise Unauthenticated("wrong_token_use", _SIGN_IN)
    if claims.client_id not in profile.client_ids:
        raise Unauthenticated("wrong_audience", _SIGN_IN)
