"""Whatever arrives at however many containers: bounds that hold for every account and tenant."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from bursa.intake.budgets import (
    ACCOUNT_SHARE,
    HELD_US_MAX,
    TENANT_SHARE,
    Budget,
    Budgets,
    Charge,
)
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import MICROSECONDS_PER_SECOND, Rate
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits
from tests.doubles.buckets import CountingReport, MemoryBuckets

TENANT = TenantId(1)
AMPLE = Rate(100_000, 1_000_000)
BURSTS = st.integers(50, 300)
RATES = st.builds(Rate, st.sampled_from([1, 3, 20, 50, 400]), BURSTS)


@dataclass(frozen=True)
class Request:
    """So many commands of an account, at a container, so long after the one before."""

    after_ms: int
    account: int
    container: int
    count: int


def requests(accounts: int, containers: int) -> st.SearchStrategy[list[Request]]:
    one = st.builds(
        Request,
        after_ms=st.sampled_from([0, 0, 0, 1, 5, 20, 100, 700, 3_000]),
        account=st.integers(1, accounts),
        container=st.integers(0, containers - 1),
        count=st.sampled_from([1, 1, 1, 2, 10, 50]),
    )
    return st.lists(one, min_size=1, max_size=200)


@dataclass
class Run:
    """What was admitted: time in milliseconds, account, count; and what was refused."""

    admitted: list[tuple[int, int, int]]
    refused: list[tuple[int, int, str]]


class _Clock:
    time_ms = 1_795_291_200_000

    def now_ms(self) -> int:
        return self.time_ms


def run(limits: TenantLimits, arriving: Sequence[Request], *, is_busy: bool = False) -> Run:
    clock, shared, report = _Clock(), MemoryBuckets(), CountingReport()
    containers = [
        Budgets(lambda _: limits, shared, clock, report, lambda _: is_busy)
        for _ in range(1 + max(one.container for one in arriving))
    ]
    done = Run([], [])
    for one in arriving:
        clock.time_ms += one.after_ms
        account = AccountId(TENANT, one.account)
        try:
            containers[one.container].require(account, (Charge(Budget.COMMANDS, one.count),))
        except TooManyRequests as error:
            done.refused.append((clock.time_ms, one.account, error.code))
        else:
            done.admitted.append((clock.time_ms, one.account, one.count))
    return done


def most_in_any_interval(admitted: list[tuple[int, int]], rate: Rate, extra: Rate) -> None:
    """Check every interval that begins and ends with something admitted.

    `extra` is what all containers may admit by themselves, beside the rate itself.
    """
    for start, (began_ms, _) in enumerate(admitted):
        total = 0
        for ended_ms, count in admitted[start:]:
            total += count
            passed_us = (ended_ms - began_ms) * 1_000
            whole = rate.burst + rate.per_s * (passed_us + HELD_US_MAX) / MICROSECONDS_PER_SECOND
            own = extra.burst + extra.per_s * passed_us / MICROSECONDS_PER_SECOND
            assert total <= whole + own + 1


def own_of(containers: int, rate: Rate, share: int) -> Rate:
    """Return what containers admit by themselves, rounded up."""
    each = Rate(-(-rate.per_s // share), max(1, rate.burst // share))
    return Rate(containers * each.per_s, containers * each.burst)


@settings(max_examples=150, deadline=None)
@given(rate=RATES, arriving=requests(accounts=2, containers=5))
def test_an_account_never_gets_more_than_its_bound(rate: Rate, arriving: list[Request]) -> None:
    limits = DEFAULT_LIMITS._replace(account_commands=rate, tenant_commands=AMPLE)
    done = run(limits, arriving)
    for account in (1, 2):
        admitted = [(at, count) for at, whose, count in done.admitted if whose == account]
        most_in_any_interval(admitted, rate, own_of(5, rate, ACCOUNT_SHARE))


@settings(max_examples=100, deadline=None)
@given(rate=RATES, arriving=requests(accounts=1, containers=8))
def test_a_busy_account_never_gets_more_than_its_budget(
    rate: Rate, arriving: list[Request]
) -> None:
    limits = DEFAULT_LIMITS._replace(account_commands=rate, tenant_commands=AMPLE)
    done = run(limits, arriving, is_busy=True)
    most_in_any_interval([(at, count) for at, _, count in done.admitted], rate, Rate(0, 0))


@settings(max_examples=100, deadline=None)
@given(rate=RATES, arriving=requests(accounts=20, containers=4))
def test_a_tenant_never_gets_more_than_its_bound(rate: Rate, arriving: list[Request]) -> None:
    limits = DEFAULT_LIMITS._replace(account_commands=AMPLE, tenant_commands=rate)
    done = run(limits, arriving)
    admitted = [(at, count) for at, _, count in done.admitted]
    most_in_any_interval(admitted, rate, own_of(4, rate, TENANT_SHARE))


@settings(max_examples=150, deadline=None)
@given(rate=RATES, arriving=requests(accounts=4, containers=5))
def test_an_account_within_its_budget_is_never_refused_whatever_others_do(
    rate: Rate, arriving: list[Request]
) -> None:
    """Within its budget: one bucket of its own, charged with all that it sends, never runs dry."""
    limits = DEFAULT_LIMITS._replace(account_commands=rate, tenant_commands=AMPLE)
    now_ms, full_at_us, over = _Clock.time_ms, dict.fromkeys(range(1, 5), 0), set()
    for one in arriving:
        now_ms += one.after_ms
        spent_us = one.count * rate.interval_us
        full_at_us[one.account] = max(full_at_us[one.account], now_ms * 1_000) + spent_us
        if full_at_us[one.account] - now_ms * 1_000 > rate.burst * rate.interval_us:
            over.add(one.account)

    refused = {account for _, account, _ in run(limits, arriving).refused}

    assert refused <= over
    assert {account for _, account, _ in run(limits, arriving, is_busy=True).refused} <= over


@settings(max_examples=100, deadline=None)
@given(arriving=requests(accounts=6, containers=4))
def test_ordinary_accounts_are_admitted_while_others_use_up_the_tenants_budget(
    arriving: list[Request],
) -> None:
    """Account 7 sends one command a second; the others send what they can."""
    limits = DEFAULT_LIMITS._replace(account_commands=Rate(400, 300), tenant_commands=Rate(50, 100))
    mixed, passed_ms = [], 0
    for one in arriving:
        mixed.append(one)
        passed_ms += one.after_ms
        if passed_ms >= 1_000:
            passed_ms = 0
            mixed.append(Request(0, 7, one.container, 1))
    done = run(limits, mixed)

    assert not [code for _, account, code in done.refused if account == 7]
