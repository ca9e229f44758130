"""Changes of what one user's accounts may use: rates of requests, WebSockets, channels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bursa.back_office.audit_entry import Facts
from bursa.back_office.audit_log import Intent
from bursa.back_office.desk import EffectBuilder
from bursa.back_office.effects import USER, Tools, WithoutNotes
from bursa.back_office.roles import Action
from bursa.kernel.identifiers import TenantId
from bursa.kernel.rates import Rate
from bursa.tenants.account_limits import AccountLimits, check_account_limits
from bursa.tenants.limits import TenantLimits


class AccountLimitRecords(Protocol):
    """Keeps them; see `bursa.tenants.account_limits_dynamodb.AccountLimitsTable`."""

    def own(self, tenant: TenantId, subject: str) -> AccountLimits:
        """Return a user's own limits, the latest."""

    def set(self, tenant: TenantId, subject: str, own: AccountLimits, at_ms: int) -> None:
        """Write them; raises `Conflict` ``overtaken``."""


@dataclass(frozen=True, slots=True)
class LimitsOfUser(WithoutNotes):
    """Sets all limits of a user's own together: what is approved is what holds."""

    tools: Tools
    records: AccountLimitRecords
    limits_of: Callable[[TenantId], TenantLimits]
    tenant: TenantId
    subject: str
    asked: Facts

    def before(self) -> Facts:
        """Return those that it has.

        Raises `NotFound` ``unknown_user``, ``no_account``; `InvalidInput` ``invalid_limits``,
        ``limits_above_tenants``.
        """
        self._wanted()
        self.tools.users.account(self.tenant, self.subject)
        return shown_limits(self.records.own(self.tenant, self.subject))

    def carry_out(self, intent: Intent) -> Facts:
        """Write them where sign-ins find them.

        Raises `Conflict` ``overtaken``: what broke off long ago must not undo what came later.
        """
        own = self._wanted()
        self.records.set(self.tenant, self.subject, own, intent.at_ms)
        return shown_limits(own)

    def _wanted(self) -> AccountLimits:
        asked: dict[str, Any] = {name: _limit(value) for name, value in self.asked.items()}
        own = AccountLimits(**asked)
        check_account_limits(own, self.limits_of(self.tenant))
        return own


def _limit(asked: Mapping[str, int] | int | None) -> Rate | int | None:
    return Rate(**asked) if isinstance(asked, Mapping) else asked


def shown_limits(own: AccountLimits) -> dict[str, Any]:
    """Return a user's own limits as they are asked for, shown and logged."""
    return {
        name: value._asdict() if isinstance(value, Rate) else value
        for name, value in own._asdict().items()
    }


def limit_effects(
    tools: Tools, records: AccountLimitRecords, limits_of: Callable[[TenantId], TenantLimits]
) -> Mapping[Action, EffectBuilder]:
    """Return what builds each change."""
    return {
        Action.SET_ACCOUNT_LIMITS: lambda tenant, about, asked: LimitsOfUser(
            tools, records, limits_of, tenant, about.removeprefix(USER), asked
        )
    }
