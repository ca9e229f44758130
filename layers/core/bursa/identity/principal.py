"""Who is asking, and what they may do: the same facts whatever the method of sign-in."""

from dataclasses import dataclass, replace
from enum import StrEnum

from bursa.back_office.roles import Role
from bursa.kernel.errors import InvalidInput, NotFound
from bursa.kernel.identifiers import AccountId, Actor, ActorKind, TenantId
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits


class Scope(StrEnum):
    """A group of operations that a principal may be allowed.

    Every signed-in route needs exactly one (`OPERATIONS` of the dialect).
    """

    READ = "read"
    TRADE = "trade"
    # Moving what a user has between its own accounts.
    TRANSFER = "transfer"
    # Withdrawing funds; no route needs it yet.
    WITHDRAW = "withdraw"
    # What protects the account itself: its sessions, second factor and API keys. No key has it.
    ACCOUNT = "account"


class SignInMethod(StrEnum):
    """How a principal has proven who it is."""

    USER_POOL = "user_pool"
    API_KEY = "api_key"


# A user who has signed in may do everything that the account's own pages offer.
USER_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Principal:
    """The verified caller of an operation.

    Attributes
    ----------
    account
        The account whose data it sees and changes; names the tenant too.
    user
        The subject of its tokens: the person's stable id in the tenant's user pool. Of an API key,
        who made it.
    scopes
        What it may do.
    method
        How it signed in.
    expires_at
        When the proof ends, in seconds since 1970. A gateway may keep its verdict for longer, so
        every function compares this with its own clock.
    signed_in_at
        When its session began, in seconds since 1970. Ending a user's sessions ends those that
        began before.
    key
        The id of the API key that it has signed with; empty for a token.
    level
        What its user has shown of who it is, as of the sign-in; of a WebSocket's ticket always 0.
    role
        What it is in its tenant's back office; None for nothing. What that allows is decided there
        (`bursa.back_office`), which also asks for a second factor.
    session
        What names its session among its user's; empty for an API key.
    own_limits
        What its accounts may use otherwise than the tenant's others, as of the sign-in.

    """

    account: AccountId
    user: str
    scopes: frozenset[Scope]
    method: SignInMethod
    expires_at: int
    signed_in_at: int
    key: str = ""
    level: int = 0
    role: Role | None = None
    session: str = ""
    own_limits: AccountLimits = NO_OWN_LIMITS

    @property
    def tenant(self) -> TenantId:
        """The brand it belongs to."""
        return self.account.tenant

    @property
    def actor(self) -> Actor:
        """Who asks, as its commands say it."""
        if self.key:
            return Actor.named(ActorKind.API_KEY, str(self.tenant), self.key)
        return Actor.named(ActorKind.USER, str(self.tenant), self.user)


def acting_for(principal: Principal, named: str | None) -> Principal:
    """Return a principal as it acts for the account of its own that a request names.

    Whose an account is follows from its number, so nothing is looked up, and a seat that was never
    opened is an account without anything in it (docs/adr/0069).

    Raises
    ------
    InvalidInput
        ``account_of_key``: a key is for one account; and no signature covers the name.
    NotFound
        ``unknown_account``: another user's, or none.

    """
    if named is None:
        return principal
    if principal.key:
        raise InvalidInput(
            "account_of_key",
            "Leave out X-Account: an API key is for one account.",
            field="X-Account",
        )
    try:
        account = AccountId.parse(named)
    except InvalidInput:
        account = None
    if account is None or account.owner != principal.account.owner or not account.is_users:
        raise NotFound(
            "unknown_account",
            "You have no such account; see GET /v1/sub-accounts.",
            field="X-Account",
        )
    return replace(principal, account=account)
