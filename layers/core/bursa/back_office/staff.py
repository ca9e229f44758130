"""Who is let into a tenant's back office: a role that may do this, and a second factor.

The role comes with the verified token. That a session began with a second factor does not, so it is
concluded: the pool asks for a code at each sign-in from the moment on that the factor is required,
and the session began after that. A regulator's time is kept here, whatever its token says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from bursa.back_office.roles import Action, Role, may
from bursa.identity.principal import Principal
from bursa.identity.second_factor import Factor, require_token
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import NotAllowed
from bursa.kernel.identifiers import TenantId

# The shelf of the terms of regulators in the audit table; the latest of a person counts.
TERM_SHELF: Final = "term"
_TIME_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class Staff:
    """A person who was let in, for one request."""

    principal: Principal
    role: Role

    @property
    def tenant(self) -> TenantId:
        """The tenant whose back office it is."""
        return self.principal.tenant

    @property
    def name(self) -> str:
        """The person's stable id: the subject of its tokens."""
        return self.principal.user


class Factors(Protocol):
    """Keeps authenticators."""

    def find(self, tenant: TenantId, user: str) -> Factor | None:
        """Return a user's authenticator; None for none. Raises `Unavailable`."""


class Notes(Protocol):
    """What lies in the audit table beside the entries."""

    def notes(
        self, tenant: TenantId, shelf: str, prefix: str, limit: int
    ) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return so many notes by name, the last first. Raises `Unavailable`."""


def term_name(subject: str, at_ms: int) -> str:
    """Return the name of a term's note; later ones of a person come later."""
    return f"{_prefix_of(subject)}{at_ms:0{_TIME_DIGITS}d}"


def last_term_ms(notes: Notes, tenant: TenantId, subject: str) -> int:
    """Return when a person's role was set last, UTC; 0 for never. Raises `Unavailable`."""
    found = notes.notes(tenant, TERM_SHELF, _prefix_of(subject), 1)
    return int(found[0][0].rpartition("/")[2][:_TIME_DIGITS]) if found else 0


def _prefix_of(subject: str) -> str:
    return f"{subject}/"


class Admission:
    """Lets people in."""

    def __init__(self, factors: Factors, notes: Notes, clock: WallClock) -> None:
        self._factors = factors
        self._notes = notes
        self._clock = clock

    def __call__(self, principal: Principal, action: Action) -> Staff:
        """Return who asks, if it may do this.

        Raises
        ------
        NotAllowed
            ``token_required``: an API key asks; ``no_role``, ``role_may_not``, ``term_over``,
            ``second_factor_required``, ``sign_in_again``: the session began without a second
            factor.
        Unavailable
            ``identity_unavailable``, ``audit_unavailable``.

        """
        require_token(principal)
        # A person's own names for requests are one space, whichever account a header names.
        principal = replace(principal, account=principal.account.owner)
        role = principal.role
        if role is None:
            raise NotAllowed("no_role", "Ask an owner of the exchange for a role.")
        if not may(role, action):
            raise NotAllowed("role_may_not", f"Ask somebody else: as {role} you may not do this.")
        self._require_factor(principal)
        if role is Role.REGULATOR and self.term_until_ms(principal) <= self._clock.now_ms():
            raise NotAllowed("term_over", "Ask the exchange for another term.")
        return Staff(principal, role)

    def term_until_ms(self, principal: Principal) -> int:
        """Return until when a regulator may read, UTC; 0 for never so far."""
        found = self._notes.notes(principal.tenant, TERM_SHELF, _prefix_of(principal.user), 1)
        return int(found[0][1]["until_ms"]) if found else 0

    def _require_factor(self, principal: Principal) -> None:
        factor = self._factors.find(principal.tenant, principal.user)
        if factor is None or not factor.since_ms:
            raise NotAllowed(
                "second_factor_required",
                "Set up a second factor first: POST /v1/second-factor; then sign in again.",
            )
        if principal.signed_in_at * 1_000 <= factor.since_ms:
            raise NotAllowed("sign_in_again", "Sign in again, with your second factor.")
