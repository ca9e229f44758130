"""Limits that one user has otherwise than its tenant's other users; its back office sets them.

They hold for each of the user's accounts, and come with its sign-in. Whatever was set, no account
may use more than its whole tenant: what the tenant has by now is the most.
"""

import json
from typing import Any, Final, NamedTuple

from bursa.kernel.errors import InvalidInput
from bursa.kernel.rates import Rate
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits, check_limits


class AccountLimits(NamedTuple):
    """A user's own limits, each as `TenantLimits` has it; None for what the tenant's users have."""

    commands: Rate | None = None
    cancels: Rate | None = None
    reads: Rate | None = None
    connections: int | None = None
    subscriptions: int | None = None


NO_OWN_LIMITS: Final = AccountLimits()
_RATES: Final = ("commands", "cancels", "reads")
# What the whole tenant has of it; of subscriptions there is no such limit.
_OF_TENANT: Final = (*_RATES, "connections")


def limits_with_own(tenant: TenantLimits, own: AccountLimits) -> TenantLimits:
    """Return the limits of a tenant as they are for a user with limits of its own."""
    if own == NO_OWN_LIMITS:
        return tenant
    given: dict[str, Rate | int] = {
        name: value for name, value in own._asdict().items() if value is not None
    }
    changed: dict[str, Any] = {
        f"account_{name}": _least(value, getattr(tenant, f"tenant_{name}", value))
        for name, value in given.items()
    }
    return tenant._replace(**changed)


def _least(own: Rate | int, most: Any) -> Rate | int:  # noqa: ANN401 - of the same kind
    if isinstance(own, Rate):
        return Rate(min(own.per_s, most.per_s), min(own.burst, most.burst))
    return min(own, int(most))


def check_account_limits(own: AccountLimits, tenant: TenantLimits) -> None:
    """Return when a user of a tenant may have these limits.

    Raises `InvalidInput` ``invalid_limits``; ``limits_above_tenants``: the whole tenant has less.
    The field is the first that is wrong.
    """
    given = {name: value for name, value in own._asdict().items() if value is not None}
    for name, value in given.items():
        try:
            check_limits(DEFAULT_LIMITS._replace(**{f"account_{name}": value}))
        except InvalidInput as error:
            detail = error.detail.removeprefix("account_")
            raise InvalidInput(error.code, detail, field=name) from None
    for name in _OF_TENANT:
        most = getattr(tenant, f"tenant_{name}")
        if name in given and _least(given[name], most) != given[name]:
            shown = f"{most.per_s} a second, {most.burst} at once" if name in _RATES else str(most)
            raise InvalidInput(
                "limits_above_tenants",
                f"The whole exchange has {shown} of {name}: send no more.",
                field=name,
            )


def account_limits_as_text(own: AccountLimits) -> str:
    """Return a user's own limits as they are stored and handed on; empty for none."""
    given = {name: value for name, value in own._asdict().items() if value is not None}
    return json.dumps(given, separators=(",", ":")) if given else ""


def account_limits_from(text: str) -> AccountLimits:
    """Return limits from that text; a name that is not known is left out."""
    given: dict[str, Any] = json.loads(text) if text else {}
    known: dict[str, Any] = {
        name: Rate(*value) if name in _RATES else value
        for name, value in given.items()
        if name in AccountLimits._fields
    }
    return AccountLimits(**known)
