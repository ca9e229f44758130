"""How much of what all share each account and each tenant may use (DESIGN D13, docs/adr/0031).

A budget is a bucket that fills at its rate and is full at its burst. Where one process serves all,
that would be a number in memory; here many containers serve at once, each with a few requests. So:

    a little      each container admits a small share of a budget by itself, and asks nobody
    more          beyond that it takes from the one bucket that all containers share
    too much      when that is empty, it refuses, and asks again only after a pause

An ordinary user stays in the first line and costs no write; a flood costs a write for each command
that is admitted, and none for most that are refused. With N containers, in any time T, an account
with the rate r and the burst b gets at most

    b + r (T + 1 s) + N (b + r T) / 20

and b + r (T + 1 s) as soon as the worker has named it as busy, for then no container admits any of
its commands by itself. Of reads, which the worker does not see, a container that has found the
shared bucket half used admits nothing by itself until it finds it nearly full again, and chance
finds those that are spread over many containers (`bursa.intake.sightings`). An account gets at
least what its own bucket holds: no other account takes from it.

A tenant's bucket is shared in the same way, with a fiftieth in the place of the twentieth; a
container that uses much of it takes some in advance, so that the one row is not written a thousand
times a second. Its lower half is kept for accounts that are in the first line: those that flood
can't use up a tenant's budget for the others.

When the shared buckets can't be reached, each container counts by itself against the whole budget:
a guard of fairness must not become the outage. That is reported.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from bursa.intake.shared_buckets import Ask, Refusal, SharedBuckets, Taken
from bursa.intake.sightings import Sightings
from bursa.kernel.clock import WallClock
from bursa.kernel.errors import TooManyRequests, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import MICROSECONDS_PER_SECOND, Rate, RateState
from bursa.tenants.account_limits import NO_OWN_LIMITS, AccountLimits, limits_with_own
from bursa.tenants.limits import TenantLimits

# Of an account's budget, and of a tenant's, what each container admits by itself.
ACCOUNT_SHARE = 20
TENANT_SHARE = 50
# A container begins with so little of that, and has the whole share once it knows the account for a
# while: or else a flood would get a share more with each container that it makes necessary.
OWN_AT_FIRST = 2
# What is taken from a shared bucket and not used by then is given up: it must not pile up.
HELD_US_MAX = 1_000_000
# What a container takes of a tenant's bucket in advance is at most what comes back in a tenth of a
# second, and no more than twice what it has used of such before.
_AHEAD_PER_S = 10
# After a refusal a container does not ask for so long, so that a flood costs few reads.
_PAUSE_US = 250_000
# When the shared buckets can't be reached, they are left alone for so long.
_AWAY_US = 5_000_000
# Whose shared bucket has less than one part in so many left is heavy, until no more than one part
# in so many of it is used.
_HEAVY_SHARE = 2
_RESTED_SHARE = 8
_BUCKETS_KEPT_MAX = 20_000
_RETRY_AFTER_S_MAX = 60


class Budget(StrEnum):
    """What is counted apart."""

    COMMANDS = "commands"
    CANCELS = "cancels"
    READS = "reads"
    # Requests to place that are refused for their form.
    FAULTS = "faults"
    # Requests that end the account's sessions: no flood with its token keeps its owner from that.
    SESSIONS = "sessions"


class Report(Protocol):
    """Counts what happens, for the person who runs it."""

    def refused(self, tenant: TenantId, code: str) -> None:
        """Count a refusal."""

    def counters_failed(self) -> None:
        """Count a failed look at the shared buckets."""


@dataclass(slots=True)
class Bucket:
    """What one container knows of a bucket."""

    share: int
    own_full_at_us: int = 0
    own_spent_at_us: int = 0
    alone_full_at_us: int = 0
    shared_full_at_us: int = 0
    held: int = 0
    held_until_us: int = 0
    ahead: int = 0
    ask_at_us: int = 0
    can_be_restrained: bool = False
    is_restrained: bool = False

    def take_own(self, count: int, rate: Rate, now_us: int) -> bool:
        """Take what the container may admit by itself."""
        cost_us = count * rate.interval_us * self.share
        room_us = max(1, rate.burst // self.share) * rate.interval_us * self.share
        if not self.own_full_at_us:
            at_first_us = OWN_AT_FIRST * rate.interval_us * self.share
            self.own_full_at_us = now_us + max(0, room_us - at_first_us)
        full_at_us = max(self.own_full_at_us, now_us) + cost_us
        if full_at_us - now_us > room_us:
            return False
        self.own_full_at_us = full_at_us
        self.own_spent_at_us = max(self.own_spent_at_us, now_us) + count * rate.interval_us
        return True

    def take_alone(self, ask: Ask) -> Refusal | None:
        """Take from the whole budget without the others, while they can't be reached."""
        taken = ask.after(self.alone_full_at_us)
        self.alone_full_at_us = taken.full_at_us
        return None if taken.is_taken else ask.refusal(taken.full_at_us)

    def take_held(self, count: int, now_us: int) -> int:
        """Take what was taken from the shared bucket before; return how many are still needed."""
        if now_us >= self.held_until_us:
            self.held = self.ahead = 0
        used = min(count, self.held)
        self.held -= used
        return count - used

    def hold(self, count: int, now_us: int) -> None:
        """Keep what was taken and is not used, for a moment."""
        self.held += count
        self.held_until_us = now_us + HELD_US_MAX

    def next_ahead(self, rate: Rate, now_us: int) -> int:
        """Return how many to take in advance: more while what was taken before is used in time."""
        in_time = now_us < self.held_until_us
        self.ahead = min(2 * self.ahead + 1, rate.per_s // _AHEAD_PER_S) if in_time else 0
        return self.ahead

    def learn(self, full_at_us: int, rate: Rate, now_us: int) -> None:
        """Note when the shared bucket is full again, and whether its account is heavy."""
        self.shared_full_at_us = full_at_us
        if not self.can_be_restrained:
            return
        used_us = full_at_us - now_us
        if used_us * _HEAVY_SHARE > _burst_us(rate):
            self.is_restrained = True
        elif self.is_restrained and used_us * _RESTED_SHARE <= _burst_us(rate):
            # The container's own share begins anew too, or pauses would be worth one each.
            self.is_restrained, self.own_full_at_us = False, 0

    def give_back(self, count: int, rate: Rate, now_us: int, *, is_own: bool) -> None:
        """Undo a take: another budget had too little for the same request."""
        if is_own:
            self.own_full_at_us -= count * rate.interval_us * self.share
            self.own_spent_at_us -= count * rate.interval_us
        else:
            self.hold(count, now_us)

    def state(self, rate: Rate, now_us: int) -> RateState:
        """Return what is left, as far as this container knows."""
        shared_us = max(0, self.shared_full_at_us - now_us)
        own_us = max(0, self.own_spent_at_us - now_us)
        alone_us = max(0, self.alone_full_at_us - now_us)
        held_us = self.held * rate.interval_us if now_us < self.held_until_us else 0
        used_us = max(shared_us + own_us - held_us, alone_us, 0)
        remaining = max(0, rate.burst - -(-used_us // rate.interval_us))
        return RateState(rate.burst, remaining, -(-used_us // MICROSECONDS_PER_SECOND))

    def is_idle(self, now_us: int) -> bool:
        """Return whether nothing would be lost with it."""
        return now_us >= max(
            self.own_full_at_us, self.alone_full_at_us, self.shared_full_at_us, self.held_until_us
        )


def _ask(count: int, rate: Rate, now_us: int, floor_us: int) -> Ask:
    # A batch that is larger than what may be used of a bucket is admitted when that is full.
    room_us = max(_burst_us(rate) - floor_us, count * rate.interval_us)
    return Ask(count, rate.interval_us, room_us, now_us)


def _burst_us(rate: Rate) -> int:
    return rate.burst * rate.interval_us


def patient(shared: SharedBuckets, report: Report) -> SharedBuckets:
    """Return shared buckets that are left alone for a while after they could not be reached."""
    return _PatientBuckets(shared, report)


class _PatientBuckets:
    def __init__(self, shared: SharedBuckets, report: Report) -> None:
        self._shared = shared
        self._report = report
        self._away_until_us = 0

    def take(self, holder: str, budget: str, ask: Ask) -> Taken:
        if ask.now_us < self._away_until_us:
            raise Unavailable("budgets_unavailable", "The shared buckets can't be reached.")
        try:
            return self._shared.take(holder, budget, ask)
        except Unavailable:
            self._away_until_us = ask.now_us + _AWAY_US
            self._report.counters_failed()
            raise


class SharedBudget:
    """Buckets of one container, and what it shares with the others.

    Parameters
    ----------
    share
        A container admits one part in so many of a budget by itself.
    takes_ahead
        Whether a container that uses much takes some in advance. What it then does not use is
        lost, so that the budget is a little less.
    restrains
        Budgets of which a container admits nothing by itself to a holder that it finds heavy.

    """

    def __init__(
        self,
        shared: SharedBuckets,
        share: int,
        *,
        takes_ahead: bool = False,
        restrains: AbstractSet[str] = frozenset(),
    ) -> None:
        self._shared = shared
        self._share = share
        self._takes_ahead = takes_ahead
        self._restrains = restrains
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def bucket(self, holder: str, budget: str, now_us: int) -> Bucket:
        """Return what is known of a bucket."""
        known = self._buckets.get((holder, budget))
        if known is None:
            if len(self._buckets) >= _BUCKETS_KEPT_MAX:
                self._forget_idle(now_us)
            known = Bucket(self._share, can_be_restrained=budget in self._restrains)
            self._buckets[holder, budget] = known
        return known

    def _forget_idle(self, now_us: int) -> None:
        self._buckets = {
            name: one for name, one in self._buckets.items() if not one.is_idle(now_us)
        }
        if len(self._buckets) >= _BUCKETS_KEPT_MAX:
            self._buckets.clear()

    def take_own(self, holder: str, budget: str, count: int, rate: Rate, now_us: int) -> bool:
        """Take what this container may admit by itself."""
        return self.bucket(holder, budget, now_us).take_own(count, rate, now_us)

    def take_shared(  # noqa: PLR0917 - whose, of what, how much, when
        self, holder: str, budget: str, count: int, rate: Rate, now_us: int, floor_us: int = 0
    ) -> Refusal | None:
        """Take from the bucket that all containers share; None when it had as much.

        Parameters
        ----------
        floor_us
            How much of the bucket must be left, as the time in which it comes back.

        """
        bucket = self.bucket(holder, budget, now_us)
        needed = bucket.take_held(count, now_us)
        if not needed:
            return None
        refusal = self._take_more(
            holder, budget, bucket, rate, _ask(needed, rate, now_us, floor_us)
        )
        if refusal is not None and needed < count:
            bucket.held += count - needed
        return refusal

    def _take_more(
        self, holder: str, budget: str, bucket: Bucket, rate: Rate, ask: Ask
    ) -> Refusal | None:
        now_us = ask.now_us
        known_us = bucket.shared_full_at_us
        if ask.is_plausible(known_us) and not ask.fits(known_us):
            return ask.refusal(known_us)
        if now_us < bucket.ask_at_us:
            return Refusal(bucket.ask_at_us - now_us)
        ahead = bucket.next_ahead(rate, now_us) if self._takes_ahead else 0
        try:
            for one in dict.fromkeys((ask._replace(amount=ask.amount + ahead), ask)):
                taken = self._shared.take(holder, budget, one)
                bucket.learn(taken.full_at_us, rate, now_us)
                if taken.is_taken:
                    bucket.hold(one.amount - ask.amount, now_us)
                    return None
                if not ask.fits(taken.full_at_us):
                    break
        except Unavailable:
            return bucket.take_alone(ask)
        bucket.ask_at_us = now_us + _PAUSE_US
        return ask.refusal(bucket.shared_full_at_us)


class Charge(NamedTuple):
    """What a request uses of a budget.

    ``keeps_way_out`` leaves a tenth of the bucket for those that don't: so a flood of single
    cancels leaves room for the one that cancels everything.
    """

    budget: Budget
    amount: int
    keeps_way_out: bool = False


_DETAILS: Mapping[Budget, str] = {
    Budget.COMMANDS: "Send fewer orders a second; cancels have a budget of their own.",
    Budget.CANCELS: "Send fewer cancels a second, or cancel everything by DELETE /v1/orders.",
    Budget.FAULTS: "Stop sending what is refused for its form.",
    Budget.SESSIONS: "Sign out everywhere less often.",
    Budget.READS: "Ask less often, or subscribe to the WebSocket's channels.",
}
_WAY_OUT_SHARE = 10
_SEEN_BY_THE_WORKER = frozenset({Budget.COMMANDS, Budget.CANCELS})
# Have the numbers of the budget of reads.
_AS_READS = frozenset({Budget.FAULTS, Budget.SESSIONS})


class Budgets:
    """The budgets of accounts and tenants, as one container keeps them.

    Parameters
    ----------
    limits_of
        Returns a tenant's limits.
    is_busy
        Whether the worker has named an account as one that sends much.
    sightings
        Finds accounts that read much through many containers; None where one process serves all.

    """

    def __init__(
        self,
        limits_of: Callable[[TenantId], TenantLimits],
        shared: SharedBuckets,
        clock: WallClock,
        report: Report,
        is_busy: Callable[[AccountId], bool],
        *,
        sightings: Sightings | None = None,
    ) -> None:
        self._sightings = sightings
        self._limits_of = limits_of
        self._clock = clock
        self._report = report
        self._is_busy = is_busy
        self.asked = 0
        self._own: dict[AccountId, AccountLimits] = {}
        reached = patient(shared, report)
        self._accounts = SharedBudget(
            reached, ACCOUNT_SHARE, restrains=frozenset(Budget) - _SEEN_BY_THE_WORKER
        )
        self._tenants = SharedBudget(reached, TENANT_SHARE, takes_ahead=True)

    def know(self, account: AccountId, own: AccountLimits) -> None:
        """Note which limits of its own an account has, as its sign-in says them; or none."""
        if own == NO_OWN_LIMITS:
            self._own.pop(account, None)
            return
        if len(self._own) >= _BUCKETS_KEPT_MAX:
            # Each request says its own again before it is charged.
            self._own.clear()
        self._own[account] = own

    def _limits(self, account: AccountId) -> TenantLimits:
        own = self._own.get(account, NO_OWN_LIMITS)
        return limits_with_own(self._limits_of(account.tenant), own)

    def require(self, account: AccountId, charges: tuple[Charge, ...]) -> None:
        """Charge a request, or nothing.

        Raises
        ------
        TooManyRequests
            ``too_many_commands``, ``too_many_cancels``, ``too_many_reads``: the account's own.
            ``tenant_over_budget``: its tenant's. Nothing is charged.

        """
        if any(charge.budget in _SEEN_BY_THE_WORKER for charge in charges):
            self.asked += 1
        now_us = self._now_us()
        limits = self._limits(account)
        done: list[tuple[Charge, bool]] = []
        for charge in charges:
            try:
                done.append((charge, self._take(account, charge, limits, now_us)))
            except TooManyRequests as error:
                for earlier, is_own in done:
                    rate = _rate(limits, "account", earlier.budget)
                    bucket = self._accounts.bucket(str(account), earlier.budget, now_us)
                    bucket.give_back(earlier.amount, rate, now_us, is_own=is_own)
                self._report.refused(account.tenant, error.code)
                raise

    def spare(self, account: AccountId, charge: Charge) -> bool:
        """Charge an account for what it can do without, unless it has used most of that budget."""
        left = self.state(account, charge.budget)
        if left.remaining * _HEAVY_SHARE < left.limit:
            return False
        try:
            self.require(account, (charge,))
        except TooManyRequests:
            return False
        return True

    def state(self, account: AccountId, budget: Budget) -> RateState:
        """Return what an account has left of a budget, as far as this container knows."""
        now_us = self._now_us()
        rate = _rate(self._limits(account), "account", budget)
        return self._accounts.bucket(str(account), budget, now_us).state(rate, now_us)

    def _now_us(self) -> int:
        return self._clock.now_ms() * 1_000

    def _take(self, account: AccountId, charge: Charge, limits: TenantLimits, now_us: int) -> bool:
        """Take from the account's bucket and from its tenant's; return whether it is ordinary."""
        budget, count, holder = charge.budget, charge.amount, str(account)
        rate = _rate(limits, "account", budget)
        is_own = not self._is_counted(account, budget, now_us) and self._accounts.take_own(
            holder, budget, count, rate, now_us
        )
        if is_own and self._sightings and budget not in _SEEN_BY_THE_WORKER:
            self._sightings.admitted(account, budget, count, rate, now_us)
        if not is_own:
            floor_us = _burst_us(rate) // _WAY_OUT_SHARE if charge.keeps_way_out else 0
            refusal = self._accounts.take_shared(holder, budget, count, rate, now_us, floor_us)
            if refusal is not None:
                raise self._over(f"too_many_{budget}", _DETAILS[budget], refusal, account, budget)
        refusal = self._take_of_tenant(account.tenant, charge, limits, now_us, is_own=is_own)
        if refusal is not None:
            bucket = self._accounts.bucket(holder, budget, now_us)
            bucket.give_back(count, rate, now_us, is_own=is_own)
            detail = "This exchange takes no more at the moment; send the same again in a while."
            raise self._over("tenant_over_budget", detail, refusal, account, budget)
        return is_own

    def _is_counted(self, account: AccountId, budget: Budget, now_us: int) -> bool:
        """Return whether all that an account sends is to be counted in the shared bucket."""
        if budget in _SEEN_BY_THE_WORKER:
            return self._is_busy(account)
        if self._accounts.bucket(str(account), budget, now_us).is_restrained:
            return True
        return self._sightings is not None and self._sightings.is_named(account, now_us)

    def _take_of_tenant(
        self, tenant: TenantId, charge: Charge, limits: TenantLimits, now_us: int, *, is_own: bool
    ) -> Refusal | None:
        holder, budget, count = str(tenant), charge.budget, charge.amount
        rate = _rate(limits, "tenant", budget)
        if self._tenants.take_own(holder, budget, count, rate, now_us):
            return None
        floor_us = 0 if is_own else _burst_us(rate) // 2
        return self._tenants.take_shared(holder, budget, count, rate, now_us, floor_us)

    def _over(
        self, code: str, detail: str, refusal: Refusal, account: AccountId, budget: Budget
    ) -> TooManyRequests:
        wait_s = -(-refusal.wait_us // MICROSECONDS_PER_SECOND)
        return TooManyRequests(
            code,
            detail,
            retry_after_s=max(1, min(_RETRY_AFTER_S_MAX, wait_s)),
            state=self.state(account, budget),
        )


def _rate(limits: TenantLimits, whose: str, budget: Budget) -> Rate:
    name = Budget.READS if budget in _AS_READS else budget
    rate: Rate = getattr(limits, f"{whose}_{name}")
    return rate
