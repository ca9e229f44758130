"""What a user's accounts may use, as its tenant's back office reads it."""

from collections.abc import Callable
from typing import Protocol, cast

from bursa.back_office.desk import Envelope
from bursa.back_office.effects import USER
from bursa.back_office.limit_effects import AccountLimitRecords, shown_limits
from bursa.back_office.roles import Action
from bursa.back_office.staff import Staff
from bursa.dialects.native.account_limit_responses import (
    LimitsOfUser,
    OwnLimits,
    TenantTotals,
)
from bursa.dialects.native.admin_parameters import read_subject
from bursa.dialects.native.tenant_presentation import budget_rate, client_limits
from bursa.identity.principal import Principal
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.tenants.account_limits import limits_with_own
from bursa.tenants.limits import TenantLimits


class Admission(Protocol):
    """Lets people in; see `bursa.back_office.staff.Admission`."""

    def __call__(self, principal: Principal, action: Action) -> Staff:
        """Return who asks, if it may do this; raises `NotAllowed`."""


class Desk(Protocol):
    """Logs reads; see `bursa.back_office.desk.Desk`."""

    def read(self, staff: Staff, action: Action, about: str, envelope: Envelope) -> None:
        """Log that something is about to be read."""


class Users(Protocol):
    """Finds users of a tenant."""

    def account(self, tenant: TenantId, subject: str) -> AccountId:
        """Return a user's account; raises `NotFound`."""


class AccountLimitRoutes:
    """What `functions/admin_api` serves of limits; they are changed by `ProposalRoutes`."""

    def __init__(
        self,
        admission: Admission,
        desk: Desk,
        users: Users,
        records: AccountLimitRecords,
        limits_of: Callable[[TenantId], TenantLimits],
    ) -> None:
        self._admit = admission
        self._desk = desk
        self._users = users
        self._records = records
        self._limits_of = limits_of

    def of_user(self, principal: Principal, user_id: str, envelope: Envelope) -> LimitsOfUser:
        """Return what a user's accounts may use, what of it is its own, and what the tenant has."""
        staff = self._admit(principal, Action.READ_ACCOUNT_LIMITS)
        subject = read_subject(user_id)
        self._desk.read(staff, Action.READ_ACCOUNT_LIMITS, USER + subject, envelope)
        self._users.account(staff.tenant, subject)
        own, tenant = self._records.own(staff.tenant, subject), self._limits_of(staff.tenant)
        return LimitsOfUser(
            own=cast("OwnLimits", shown_limits(own)),
            limits=client_limits(limits_with_own(tenant, own)),
            tenant=TenantTotals(
                commands=budget_rate(tenant.tenant_commands),
                cancels=budget_rate(tenant.tenant_cancels),
                reads=budget_rate(tenant.tenant_reads),
                connections=tenant.tenant_connections,
            ),
        )
