"""Suspend, resume, close and delete a tenant.

Each may be repeated until it is done, and goes on where it stopped: what is about to happen is
written into the record first, and every command carries the number of its standstill, so that the
engine carries it out once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bursa.intake.message import COMMANDS_PER_MESSAGE_MAX
from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, NotFound
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.markets import Market, MarketState
from bursa.kernel.reasons import require_reason
from bursa.tenants import life
from bursa.tenants.life import Change, Standstill, TenantRecord, TenantState
from wire import codec, layout

# A market that takes no new orders anyway stays as it is. An auction that was cut short does not go
# on: a market that opens is uncrossed first.
_STANDS_STILL_AS = dict.fromkeys(
    (MarketState.OPEN, MarketState.POST_ONLY, MarketState.AUCTION), layout.STATE_CANCEL_ONLY
)
_RESUMES_AS = {
    MarketState.OPEN: layout.STATE_OPEN,
    MarketState.POST_ONLY: layout.STATE_POST_ONLY,
    MarketState.AUCTION: layout.STATE_OPEN,
}


class Records(Protocol):
    """The records of all tenants."""

    def find(self, tenant: TenantId) -> TenantRecord | None:
        """Return a tenant's record; None when there is none."""

    def all(self) -> Sequence[TenantRecord]:
        """Return the records of all tenants, by number."""

    def save(self, record: TenantRecord) -> TenantRecord:
        """Write a changed record and return it with its new version.

        Raises `Conflict` ``tenant_changed`` when it has another version by now.
        """


class Markets(Protocol):
    """The markets of tenants."""

    def all(self, tenant: TenantId) -> Sequence[Market]:
        """List a tenant's markets."""


class OnceSubmitter(Protocol):
    """Submits requests that must happen once; see `bursa.intake.once.OnceIntake`."""

    def submit_once(
        self, account: AccountId, kind: str, key: str, commands: Sequence[CommandBuilder]
    ) -> None:
        """Have commands carried out, unless they were under the same kind and key."""


class Removal(Protocol):
    """Takes away what only an open tenant has."""

    def remove(self, record: TenantRecord) -> None:
        """Delete the tenant's user pool, users, host names and issuer; safe to repeat."""


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for a change of a tenant, and why."""

    by: str
    reason: str


class TenantAdministration:
    """Changes the state of tenants."""

    def __init__(
        self,
        records: Records,
        markets: Markets,
        intake: OnceSubmitter,
        removal: Removal,
        clock: WallClock,
    ) -> None:
        self._records = records
        self._markets = markets
        self._intake = intake
        self._removal = removal
        self._clock = clock

    def all(self) -> Sequence[TenantRecord]:
        """Return all tenants, by number."""
        return self._records.all()

    def find(self, named: str) -> TenantRecord:
        """Return the tenant with an id or a name.

        Raises
        ------
        NotFound
            ``unknown_tenant``
        Conflict
            ``ambiguous_tenant``: several have this name.

        """
        found = [record for record in self.all() if named in (record.tenant, record.name)]
        if not found:
            raise NotFound("unknown_tenant", f"There is no tenant {named}; list them all first.")
        if len(found) > 1:
            ids = ", ".join(record.tenant for record in found)
            raise Conflict("ambiguous_tenant", f"{ids} are all called {named}; give the id.")
        return found[0]

    def suspend(
        self, tenant: TenantId, request: Request, grace_ms: int | None = None
    ) -> TenantRecord:
        """Let a tenant's markets take cancels only, and end sign-in after a time of grace.

        A repeat goes on where the first attempt stopped; it changes the grace when it names one.

        Raises
        ------
        InvalidInput
            ``invalid_reason``, ``invalid_grace``
        NotFound
            ``unknown_tenant``
        Conflict
            ``wrong_tenant_state``, ``tenant_changed``
        Refused, Unavailable
            As `bursa.intake.once.OnceIntake.submit_once` does.

        """
        reason = require_reason(request.reason)
        grace = life.GRACE_MS_DEFAULT if grace_ms is None else grace_ms
        life.require_span(grace, 0, life.GRACE_MS_MAX, "grace")
        record, now_ms = self._record(tenant), self._clock.now_ms()
        life.require_state(record, TenantState.ACTIVE, TenantState.SUSPENDED)
        if record.state is TenantState.ACTIVE or grace_ms is not None:
            record = self._enter(
                replace(_with_standstill(record), sign_in_ends_at_ms=now_ms + grace),
                Change(now_ms, TenantState.SUSPENDED, request.by, reason),
            )
        return self._stand_still(tenant, record)

    def resume(self, tenant: TenantId, request: Request) -> TenantRecord:
        """Open a tenant's markets again, each as it was, whether it is suspended or closing.

        Users may sign in at once. A tenant that is active stays so. Raises as `suspend` does.
        """
        reason = require_reason(request.reason)
        record = self._record(tenant)
        life.require_state(record, TenantState.ACTIVE, TenantState.SUSPENDED, TenantState.CLOSING)
        if record.state is TenantState.ACTIVE:
            return record
        if record.standstill is not None:
            # What may have been sent must be carried out before it is taken back.
            record = self._stand_still(tenant, record)
            self._set_states(tenant, "resume", record.standstill, _RESUMES_AS)
        return self._enter(
            replace(record, standstill=None, sign_in_ends_at_ms=None, delete_after_ms=None),
            Change(self._clock.now_ms(), TenantState.ACTIVE, request.by, reason),
        )

    def close(
        self, tenant: TenantId, request: Request, waiting_ms: int = life.WAITING_MS_DEFAULT
    ) -> TenantRecord:
        """Begin to close a tenant for good: cancels only, until the waiting period is over.

        Raises as `suspend` does, and ``invalid_waiting``.
        """
        reason = require_reason(request.reason)
        life.require_span(waiting_ms, life.WAITING_MS_MIN, life.WAITING_MS_MAX, "waiting")
        record, now_ms = self._record(tenant), self._clock.now_ms()
        if record.state is not TenantState.CLOSING:
            life.require_state(
                record, TenantState.OPENING, TenantState.ACTIVE, TenantState.SUSPENDED
            )
            record = self._enter(
                replace(_with_standstill(record), delete_after_ms=now_ms + waiting_ms),
                Change(now_ms, TenantState.CLOSING, request.by, reason),
            )
        return self._stand_still(tenant, record)

    def note_export(self, tenant: TenantId) -> TenantRecord:
        """Write down that a tenant was exported just now."""
        record = self._record(tenant)
        return self._records.save(replace(record, exported_at_ms=self._clock.now_ms()))

    def delete(self, tenant: TenantId, request: Request) -> TenantRecord:
        """Delete a tenant whose waiting period is over and whose data were exported since.

        Raises
        ------
        Conflict
            ``wrong_tenant_state``, ``waiting_period``, ``not_exported``

        """
        reason = require_reason(request.reason)
        record, now_ms = self._record(tenant), self._clock.now_ms()
        if record.state is TenantState.DELETED:
            return record
        life.require_state(record, TenantState.CLOSING)
        if record.delete_after_ms is None or now_ms < record.delete_after_ms:
            left_h = -(-((record.delete_after_ms or now_ms) - now_ms) // 3_600_000)
            raise Conflict("waiting_period", f"Wait for {left_h} hours more, then delete again.")
        begun_ms = max(
            (one.at_ms for one in record.history if one.state is TenantState.CLOSING), default=0
        )
        if record.exported_at_ms is None or record.exported_at_ms < begun_ms:
            raise Conflict("not_exported", "Export the tenant's data first, then delete again.")
        record = self._stand_still(tenant, record)
        self._removal.remove(record)
        return self._enter(
            replace(record, sign_in_ends_at_ms=now_ms),
            Change(now_ms, TenantState.DELETED, request.by, reason),
        )

    def _record(self, tenant: TenantId) -> TenantRecord:
        record = self._records.find(tenant)
        if record is None:
            raise NotFound("unknown_tenant", f"There is no tenant {tenant}; list them all first.")
        return record

    def _enter(self, record: TenantRecord, change: Change) -> TenantRecord:
        history = (*record.history, change)[-life.HISTORY_LENGTH_MAX :]
        return self._records.save(replace(record, state=change.state, history=history))

    def _stand_still(self, tenant: TenantId, record: TenantRecord) -> TenantRecord:
        """Have the engine carry out a standstill that is written down."""
        standstill = record.standstill
        if standstill is None or standstill.is_in_force:
            return record
        if standstill.markets is None:
            before = {one.symbol: one.state.value for one in self._markets.all(tenant)}
            standstill = replace(standstill, markets=before)
            record = self._records.save(replace(record, standstill=standstill))
        self._set_states(tenant, "suspend", standstill, _STANDS_STILL_AS)
        return self._records.save(replace(record, standstill=replace(standstill, is_in_force=True)))

    def _set_states(
        self,
        tenant: TenantId,
        kind: str,
        standstill: Standstill | None,
        states: Mapping[MarketState, int],
    ) -> None:
        """Set the state of each market that a standstill has changed."""
        if standstill is None or not standstill.markets:
            return
        numbers = {one.symbol: one.number for one in self._markets.all(tenant)}
        commands = [
            _set_state(tenant, numbers[symbol], states[MarketState(before)])
            for symbol, before in sorted(standstill.markets.items())
            if MarketState(before) in states
        ]
        for first in range(0, len(commands), COMMANDS_PER_MESSAGE_MAX):
            self._intake.submit_once(
                tenant.fee_account,
                kind,
                f"{standstill.number}/{first}",
                commands[first : first + COMMANDS_PER_MESSAGE_MAX],
            )


def _with_standstill(record: TenantRecord) -> TenantRecord:
    """Return the record with a standstill; one that there is goes on, from suspended to closing."""
    if record.standstill is not None:
        return record
    number = record.standstills + 1
    return replace(record, standstills=number, standstill=Standstill(number))


def _set_state(tenant: TenantId, market: int, state: int) -> CommandBuilder:
    account = tenant.fee_account.number

    def build(header: CommandHeader) -> bytes:
        return codec.encode(
            layout.COMMAND_SET_MARKET_STATE, account, market, state, 0, **header.words()
        )

    return build
