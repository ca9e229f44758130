"""What the directory knows of a user: its account, its level, which sessions are over."""

from dataclasses import dataclass

from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in user of a tenant.

    Attributes
    ----------
    account
        The account whose data it sees and changes, as text.
    signed_out_at
        Sessions that began in this second or before it are over; seconds since 1970.
    is_disabled
        Whether an operator has shut the user out.
    level
        What it may do, by what it has shown of who it is (`bursa.compliance.levels`).
    ended_sessions
        Those that were ended one by one, by their names.
    closed_at_ms
        Since when the user has closed its account, UTC; 0 for not at all.
    own_limits
        What each of its accounts may use otherwise than the tenant's others.

    """

    account: str
    signed_out_at: int = 0
    is_disabled: bool = False
    level: int = 0
    ended_sessions: frozenset[str] = frozenset()
    closed_at_ms: int = 0
    own_limits: AccountLimits = NO_OWN_LIMITS

    def has_session(self, signed_in_at: int, session: str = "") -> bool:
        """Return whether a session that began at this time may go on."""
        if self.is_disabled or self.closed_at_ms or session in self.ended_sessions:
            return False
        return signed_in_at > self.signed_out_at
