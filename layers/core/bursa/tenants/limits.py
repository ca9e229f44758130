"""How much a tenant and each of its accounts may use of what all share (DESIGN D13).

The defaults hold for a tenant whose profile says nothing else. Onboarding writes others, within
bounds: a tenant can't be given so much that it takes everything, or so little that an order of it
can never be sent.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bursa.kernel.errors import InvalidInput
from bursa.kernel.rates import Rate

RATE_PER_S_MAX = 100_000
BURST_MAX = 1_000_000
COUNT_MAX = 100_000
# More than what is there at once: who fills a tenant's accounts must not close it for good.
ACCOUNTS_MAX = 10_000_000
# A batch is admitted whole or not at all, so the smallest budget has room for the largest batch; a
# test compares it with `bursa.intake.message`, which the authorizer's start can't afford.
BURST_MIN = 50


class TenantLimits(NamedTuple):
    """A tenant's limits; each is a rate, or a number of things that are there at once.

    Attributes
    ----------
    account_commands, tenant_commands
        Commands other than cancels; a batch counts as many as it has.
    account_cancels, tenant_cancels
        Cancels, which have a budget of their own so that a flood never takes the way out.
    account_reads, tenant_reads
        Signed-in requests that read.
    account_connections, tenant_connections
        WebSocket connections.
    account_subscriptions
        Channels that all connections of an account listen to.
    connection_messages
        Messages that one connection sends.
    tenant_accounts
        Accounts that users who sign up can open; with those of invited users.
    visitor_connections, tenant_visitor_connections
        WebSocket connections without sign-in: of one network address, and of all.
    tenant_visitor_channels
        Channels that all of those ask for.

    """

    account_commands: Rate = Rate(50, 250)
    account_cancels: Rate = Rate(100, 500)
    account_reads: Rate = Rate(25, 250)
    tenant_commands: Rate = Rate(1_000, 5_000)
    tenant_cancels: Rate = Rate(2_000, 10_000)
    tenant_reads: Rate = Rate(2_000, 10_000)
    account_connections: int = 10
    tenant_connections: int = 5_000
    account_subscriptions: int = 100
    connection_messages: Rate = Rate(5, 25)
    tenant_accounts: int = 100_000
    visitor_connections: int = 20
    tenant_visitor_connections: int = 1_000
    tenant_visitor_channels: Rate = Rate(200, 1_000)


DEFAULT_LIMITS = TenantLimits()
LIMIT_NAMES = TenantLimits._fields
_RATES = frozenset(name for name in LIMIT_NAMES if isinstance(getattr(DEFAULT_LIMITS, name), Rate))


def check_limits(limits: TenantLimits) -> None:
    """Return when each limit is within its bounds.

    Raises
    ------
    InvalidInput
        ``invalid_limits``; the field is the first that is not.

    """
    bounded = within_bounds(limits)
    for name in LIMIT_NAMES:
        if getattr(limits, name) != getattr(bounded, name):
            raise InvalidInput(
                "invalid_limits",
                f"{name} is a rate of 1 to {RATE_PER_S_MAX} a second with a burst from "
                f"{_burst_min(name)} to {BURST_MAX}, or a number from 1 to {_count_max(name)}.",
                field=name,
            )


def within_bounds(limits: TenantLimits) -> TenantLimits:
    """Return the nearest limits that are within the bounds."""
    bounded: dict[str, Any] = {}
    for name in LIMIT_NAMES:
        value = getattr(limits, name)
        bounded[name] = _rate(value, _burst_min(name)) if name in _RATES else _count(value, name)
    return TenantLimits(**bounded)


def _burst_min(name: str) -> int:
    return 1 if name == "connection_messages" else BURST_MIN


def _rate(rate: Rate, burst_min: int) -> Rate:
    return Rate(max(1, min(rate.per_s, RATE_PER_S_MAX)), max(burst_min, min(rate.burst, BURST_MAX)))


def _count(count: int, name: str) -> int:
    return max(1, min(count, _count_max(name)))


def _count_max(name: str) -> int:
    return ACCOUNTS_MAX if name == "tenant_accounts" else COUNT_MAX


def limits_from(stored: Mapping[str, tuple[int, ...]]) -> TenantLimits:
    """Return limits as they are stored: numbers by name; a name that is missing has its default.

    What is out of bounds is moved to the nearest bound: a damaged row must stop nobody's trading.
    """
    known: dict[str, Any] = {}
    for name, numbers in stored.items():
        if name in _RATES and len(numbers) == len(Rate._fields):
            known[name] = Rate(*numbers)
        elif name in LIMIT_NAMES and name not in _RATES and len(numbers) == 1:
            known[name] = numbers[0]
    return within_bounds(DEFAULT_LIMITS._replace(**known))


def limits_as_stored(limits: TenantLimits) -> dict[str, tuple[int, ...]]:
    """Return those limits that are not the default, as numbers by name."""
    return {
        name: tuple(value) if name in _RATES else (value,)
        for name in LIMIT_NAMES
        if (value := getattr(limits, name)) != getattr(DEFAULT_LIMITS, name)
    }
