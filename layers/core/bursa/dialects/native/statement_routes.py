"""The statements that a tenant's back office makes of its users' accounts."""

import csv
import io
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from bursa.accounts.statements import (
    TRADE,
    TRADE_FEE,
    AssetStatement,
    Movement,
    Period,
    Statement,
)
from bursa.accounts.sub_accounts import SubAccountRecords
from bursa.back_office.desk import Envelope
from bursa.back_office.effects import USER
from bursa.back_office.roles import Action
from bursa.back_office.staff import Staff
from bursa.back_office.user_accounts import account_named
from bursa.dialects.native.admin_parameters import read_subject
from bursa.dialects.native.parameters import read_choice, read_time_ms
from bursa.dialects.native.public_ids import PublicIds, TenantIds
from bursa.dialects.native.statement_responses import (
    StatementMovement,
    StatementOfAccount,
    StatementOfAsset,
)
from bursa.dialects.native.tables import FORMATS, Table
from bursa.identity.principal import Principal
from bursa.kernel.amounts import format_units
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import InvalidInput
from bursa.kernel.identifiers import AccountId, TenantId

_COLUMNS: Final = (
    "asset",
    "time_ms",
    "kind",
    "amount",
    "balance",
    "reference",
    "market",
    "counter_account",
)


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


class Statements(Protocol):
    """Makes statements; see `bursa.accounts.statements.Statements`."""

    def of(self, account: AccountId, period: Period) -> Statement:
        """Return a statement."""


class Asked(NamedTuple):
    """The query parameters of a statement."""

    from_ms: str | None
    to_ms: str | None
    format: str | None
    account: str | None


class StatementRoutes:
    """What `functions/admin_api` serves of statements."""

    def __init__(
        self,
        admission: Admission,
        desk: Desk,
        users: Users,
        statements: Statements,
        *,
        sub_accounts: SubAccountRecords,
        clock: WallClock,
        ids: PublicIds,
    ) -> None:
        self._admit = admission
        self._desk = desk
        self._users = users
        self._statements = statements
        self._sub_accounts = sub_accounts
        self._clock = clock
        self._ids = ids

    def statement(
        self, principal: Principal, user_id: str, asked: Asked, envelope: Envelope
    ) -> StatementOfAccount | Table:
        """Return the statement of one of a user's accounts."""
        staff = self._admit(principal, Action.READ_STATEMENTS)
        subject = read_subject(user_id)
        period = self._period(asked)
        is_table = read_choice(asked.format, "format", FORMATS) == "csv"
        self._desk.read(staff, Action.READ_STATEMENTS, USER + subject, envelope)
        main = self._users.account(staff.tenant, subject)
        account = account_named(main, asked.account or "", self._sub_accounts)
        found, ids = self._statements.of(account, period), self._ids.of(staff.tenant)
        return statement_table(found, ids) if is_table else present_statement(found, ids)

    def _period(self, asked: Asked) -> Period:
        if asked.from_ms is None:
            raise InvalidInput(
                "missing_from_ms", "Send from_ms, when the period begins.", field="from_ms"
            )
        to_ms = read_time_ms(asked.to_ms, "to_ms")
        return Period(
            read_time_ms(asked.from_ms, "from_ms") or 0,
            self._clock.now_ms() if to_ms is None else to_ms,
        )


def present_statement(found: Statement, ids: TenantIds) -> StatementOfAccount:
    """Return a statement with amounts as decimals."""
    return StatementOfAccount(
        account=str(found.account),
        from_ms=found.period.from_ms,
        to_ms=found.period.to_ms,
        final=found.is_final,
        assets=[
            StatementOfAsset(
                asset=one.asset,
                opening=format_units(one.opening, one.scale),
                closing=format_units(one.closing, one.scale),
                movements=[_movement(movement, one.scale, ids) for movement in one.movements],
            )
            for one in found.assets
        ],
    )


def _movement(movement: Movement, scale: int, ids: TenantIds) -> StatementMovement:
    return StatementMovement(
        time_ms=movement.time_ms,
        kind=movement.kind,
        amount=format_units(movement.units, scale),
        balance=format_units(movement.balance, scale),
        reference=_reference(movement, ids) or None,
        market=movement.market or None,
        counter_account=movement.counter_account or None,
    )


def _reference(movement: Movement, ids: TenantIds) -> str:
    """Return a trade's id as its account knows it, or a transfer's name."""
    is_trade = movement.kind in (TRADE, TRADE_FEE)
    return ids.trade(int(movement.reference)) if is_trade else movement.reference


def statement_table(found: Statement, ids: TenantIds) -> Table:
    """Return a statement in CSV: of each asset what it opened with, what moved, what it closed."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    for one in found.assets:
        rows.writerows(_rows(one, found.period, ids))
    name = f"statement-{found.account}-{found.period.from_ms}-{found.period.to_ms}.csv"
    return Table(text.getvalue(), name)


def _rows(one: AssetStatement, period: Period, ids: TenantIds) -> Iterator[tuple[str, ...]]:
    opening, closing = (format_units(units, one.scale) for units in (one.opening, one.closing))
    yield one.asset, str(period.from_ms), "opening", "", opening, "", "", ""
    for movement in one.movements:
        yield (
            one.asset,
            str(movement.time_ms),
            movement.kind,
            format_units(movement.units, one.scale),
            format_units(movement.balance, one.scale),
            _reference(movement, ids),
            movement.market,
            movement.counter_account,
        )
    yield one.asset, str(period.to_ms), "closing", "", closing, "", "", ""
