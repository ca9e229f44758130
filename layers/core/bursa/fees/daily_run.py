"""Sets every user's fee tier once a day (UTC), by what it traded in the thirty days before.

A user's accounts count together. Volumes are worked out from what the projector adds up by day, so
whatever a run does twice comes out the same. A run that breaks off goes on at the user where it
was, also on the next day. Whose turn has failed comes again when all others had theirs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Protocol

from bursa.accounts.sub_accounts import SubAccountRecords
from bursa.fees.ports import Schedules, Settings, TierChange
from bursa.fees.schedule import DEFAULT_TIER, WINDOW_DAYS, FeeSchedule
from bursa.fees.user_fees import UserFees
from bursa.kernel.amounts import format_units
from bursa.kernel.calendar_time import DAY_MS, date_of, day_at
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data.traded_value import TradedValue
from bursa.market_data.valuation import Reference

# Users, before it is kept how far a run is.
_USERS_PER_NOTE: Final = 100
# So many are kept whose turn has failed; of more, the first ones wait for the next day's run.
FAILED_MAX: Final = 2_000
# Clocks differ, so a day has time to end in the exchange's own before it is looked for.
_WAIT_MS: Final = 15 * 60_000
_HOUR_MS: Final = 60 * 60_000
# While somebody pins one tier after the other, so many are followed at once.
_TRIES_MAX: Final = 5


class RunProgress(NamedTuple):
    """How far a run is.

    Attributes
    ----------
    name
        Its day, and the schedule that it is by.
    left
        The numbers of users whose turn is still to come: the first and the last of each range.
    failed
        The numbers of users whose turn has failed, and comes again after those.

    """

    name: str = ""
    left: tuple[tuple[int, int], ...] = ()
    failed: tuple[int, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether every user had its turn."""
        return not self.left and not self.failed


def begun(name: str, last_user: int, before: RunProgress) -> RunProgress:
    """Return a run of users 1 up to the last, which begins where an unfinished one has ended.

    So everybody has a turn, also when no day has time for all.
    """
    first = before.left[0][0] if before.left else 1
    ranges = ((first, last_user), (1, min(first - 1, last_user)))
    return RunProgress(name, tuple(one for one in ranges if one[0] <= one[1]))


def progress_from(stored: Mapping[str, Any]) -> RunProgress:
    """Return how far a run is from plain values; those of an older form begin anew."""
    if "left" not in stored:
        return RunProgress()
    left = tuple((first, last) for first, last in stored["left"])
    return RunProgress(stored["name"], left, tuple(stored["failed"]))


class Records(Schedules, Protocol):
    """What is kept of fee tiers; see `bursa.fees.records_dynamodb.FeeRecords`."""

    def write_user(self, owner: AccountId, fees: UserFees) -> None:
        """Write all but the pinned tier."""

    def progress(self, tenant: TenantId) -> RunProgress:
        """Return how far the last run is."""

    def write_progress(self, tenant: TenantId, progress: RunProgress) -> None:
        """Write how far a run is."""

    def users_numbered(self, tenant: TenantId) -> int:
        """Return the highest number that a user's main account was given so far."""


class Traded(Protocol):
    """What users trade; see `bursa.market_data.traded_value.TradedValues`."""

    def of_user(
        self, account: AccountId, reference: Reference, first_day: int, last_day: int
    ) -> TradedValue:
        """Return what a user's accounts have traded on each of some days."""


class Days(Protocol):
    """Whether days are whole; see `bursa.fees.counted_days.CountedDays`."""

    def require(self, tenant: TenantId, end_ms: int) -> None:
        """Return when all that was traded before a time, UTC, is added up.

        Raises `Unavailable`, also while it is not.
        """


class Commands(Protocol):
    """What the engine is asked to do."""

    def set_tier(self, account: AccountId, tier: int) -> None:
        """Have an account's fee tier set, and nothing else of it. Raises `Refused`."""


class Notices(Protocol):
    """Where users are told of changes."""

    def send(self, change: TierChange) -> None:
        """Send a user word of a change; safe to repeat."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run is made with; each may raise `Unavailable`."""

    records: Records
    sub_accounts: SubAccountRecords
    traded: Traded
    days: Days
    settings: Settings
    commands: Commands
    notices: Notices
    clock: WallClock


@dataclass(slots=True)
class RunReport:
    """What a start has done of one tenant's run."""

    is_done: bool = True
    users: int = 0
    changed: int = 0
    failed: int = 0


class DailyRun:
    """The run of one tenant.

    Parameters
    ----------
    may_go_on
        Whether there is time left.
    on_failure
        Told of each user whose turn has failed; it comes again after all others.
    on_missing
        Told the assets that have no price in the schedule's currency.

    """

    def __init__(
        self,
        tools: Tools,
        may_go_on: Callable[[], bool],
        on_failure: Callable[[AccountId, BursaError], None],
        on_missing: Callable[[TenantId, frozenset[str]], None],
    ) -> None:
        self._tools = tools
        self._may_go_on = may_go_on
        self._on_failure = on_failure
        self._on_missing = on_missing

    def __call__(self, tenant: TenantId) -> RunReport:
        """Set the tiers of a tenant's users, from where the last start was.

        A tenant without a schedule has nothing to set. Raises `Unavailable`, also while the read
        models lack a part of the days that are counted: then nobody's tier is set.
        """
        tools, report = self._tools, RunReport()
        schedule = tools.records.schedule(tenant)
        if schedule is None:
            return report
        now_ms = tools.clock.now_ms()
        if now_ms % DAY_MS < _WAIT_MS:
            report.is_done = False
            return report
        today = day_at(now_ms)
        # What is set anew is gone by at the next start.
        name = f"{today}/{schedule.since_ms}"
        progress = tools.records.progress(tenant)
        if progress.name != name:
            progress = begun(name, tools.records.users_numbered(tenant), progress)
        elif progress.is_done:
            return report
        if not progress.is_done:
            tools.days.require(tenant, today * DAY_MS)
        turn = _Turn(tools, tenant, schedule, today)
        for at, number in enumerate(_turns(progress), start=1):
            if not self._may_go_on():
                break
            failed = self._has_failed(turn, number, report)
            progress = _after(progress, number, has_failed=failed)
            if at % _USERS_PER_NOTE == 0:
                tools.records.write_progress(tenant, progress)
        report.is_done = progress.is_done
        tools.records.write_progress(tenant, progress)
        if turn.missing:
            self._on_missing(tenant, frozenset(turn.missing))
        return report

    def _has_failed(self, turn: "_Turn", number: int, report: RunReport) -> bool:
        owner = AccountId(turn.tenant, number)
        try:
            report.changed += turn.of(owner)
        except BursaError as error:
            self._on_failure(owner, error)
            report.failed += 1
            return True
        report.users += 1
        return False


def tenants_in_turn(tenants: int, now_ms: int) -> list[int]:
    """Return the numbers of tenants; each hour another one is first, and none is always last."""
    first = now_ms // _HOUR_MS % max(tenants, 1)
    return [*range(first + 1, tenants + 1), *range(1, first + 1)]


def _turns(progress: RunProgress) -> Iterator[int]:
    """Yield the numbers of users in the order of their turns, each once."""
    for first, last in progress.left:
        yield from range(first, last + 1)
    yield from progress.failed


def _after(progress: RunProgress, number: int, *, has_failed: bool) -> RunProgress:
    """Return how far a run is after the turn of a user, who was the next one."""
    left, failed = progress.left, progress.failed
    if left:
        (_, last), *rest = left
        left = (((number + 1, last),) if number < last else ()) + tuple(rest)
    else:
        failed = failed[1:]
    if has_failed:
        failed = (*failed, number)[-FAILED_MAX:]
    return RunProgress(progress.name, left, failed)


class _Turn:
    """The users of one tenant, one after the other."""

    def __init__(self, tools: Tools, tenant: TenantId, schedule: FeeSchedule, today: int) -> None:
        self._tools = tools
        self._schedule = schedule
        self._today = today
        self.tenant = tenant
        self.missing: set[str] = set()

    def of(self, owner: AccountId) -> bool:
        """Set a user's tier by its volume; return whether that is news to it."""
        schedule = self._schedule
        traded = self._tools.traded.of_user(
            owner,
            Reference(schedule.currency, schedule.scale),
            self._today - WINDOW_DAYS,
            self._today - 1,
        )
        self.missing |= traded.without_price
        known = self._tools.records.user(owner)
        fees = replace(
            known,
            volume=traded.between(self._today - WINDOW_DAYS, self._today - 1),
            currency=schedule.currency,
            counted_day=self._today,
        )
        # Of who trades nothing nothing is kept.
        if fees.volume or known.volume or known.told_tier:
            self._tools.records.write_user(owner, fees)
        tier = self._set(owner, fees)
        if tier == fees.told_tier:
            return False
        self._tools.notices.send(
            TierChange(
                owner,
                tier,
                fees.told_tier,
                format_units(fees.volume, schedule.scale),
                schedule.currency,
                str(date_of(self._today)),
                schedule.since_ms,
            )
        )
        self._tools.records.write_user(owner, replace(fees, told_tier=tier))
        return True

    def _set(self, owner: AccountId, fees: UserFees) -> int:
        """Have the tier of each of a user's accounts be the user's; return it."""
        pinned, accounts = fees.pinned_tier, [owner, *self._sub_accounts(owner)]
        for _ in range(_TRIES_MAX):
            tier = self._schedule.tier_for(fees.volume) if pinned is None else pinned
            for account in accounts:
                row = self._tools.settings.settings(account)
                if (DEFAULT_TIER if row is None else row.tier) != tier:
                    self._tools.commands.set_tier(account, tier)
            # What was pinned meanwhile was set before this, and must hold after it.
            now = self._tools.records.user(owner).pinned_tier
            if now == pinned:
                break
            pinned = now
        return tier

    def _sub_accounts(self, owner: AccountId) -> Iterator[AccountId]:
        by_seat = self._tools.sub_accounts.read(owner).by_seat
        yield from (by_seat[seat].account for seat in sorted(by_seat))
