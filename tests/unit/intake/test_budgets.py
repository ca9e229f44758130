"""Budgets as one container and several keep them: what passes, what is refused, what it costs."""

from dataclasses import dataclass, field

import pytest

from bursa.intake.admission import charges_of, only_cancels
from bursa.intake.budgets import ACCOUNT_SHARE, OWN_AT_FIRST, Budget, Budgets, Charge
from bursa.kernel.errors import TooManyRequests
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.kernel.rates import Rate, RateState
from bursa.tenants.limits import DEFAULT_LIMITS, TenantLimits
from tests.doubles.buckets import CountingReport, MemoryBuckets
from wire import layout as w

T1, T2 = TenantId(1), TenantId(2)
ALICE, BOB, CAROL = AccountId(T1, 1), AccountId(T1, 2), AccountId(T2, 1)
LIMITS = DEFAULT_LIMITS._replace(account_commands=Rate(50, 200), tenant_commands=Rate(1_000, 5_000))
ONE = (Charge(Budget.COMMANDS, 1),)


@dataclass
class Clock:
    time_ms: int = 1_795_291_200_000

    def now_ms(self) -> int:
        return self.time_ms


@dataclass
class Fleet:
    """Containers that share their buckets."""

    limits: TenantLimits = LIMITS
    clock: Clock = field(default_factory=Clock)
    shared: MemoryBuckets = field(default_factory=MemoryBuckets)
    report: CountingReport = field(default_factory=CountingReport)
    busy: set[AccountId] = field(default_factory=set)

    def container(self) -> Budgets:
        return Budgets(
            lambda _: self.limits,
            self.shared,
            self.clock,
            self.report,
            lambda account: account in self.busy,
        )

    def admitted(self, budgets: Budgets, account: AccountId, charge: Charge, times: int) -> int:
        return sum(self.try_once(budgets, account, charge) is None for _ in range(times))

    def try_once(
        self, budgets: Budgets, account: AccountId, charge: Charge
    ) -> TooManyRequests | None:
        try:
            budgets.require(account, (charge,))
        except TooManyRequests as error:
            return error
        return None


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


def test_an_ordinary_user_asks_nobody(fleet: Fleet) -> None:
    containers = [fleet.container() for _ in range(3)]
    for second in range(60):
        fleet.clock.time_ms += 1_000
        containers[second % 3].require(ALICE, ONE)
        containers[0].require(ALICE, (Charge(Budget.READS, 1),))

    assert not fleet.shared.calls


def test_one_container_admits_the_burst_and_its_own_share_and_then_the_rate(fleet: Fleet) -> None:
    budgets = fleet.container()
    own = LIMITS.account_commands.burst // ACCOUNT_SHARE

    assert fleet.admitted(budgets, ALICE, ONE[0], 1_000) == 200 + OWN_AT_FIRST
    fleet.clock.time_ms += 10_000
    assert fleet.admitted(budgets, ALICE, ONE[0], 1_000) == 200 + own
    fleet.clock.time_ms += 1_000
    assert fleet.admitted(budgets, ALICE, ONE[0], 1_000) == 50 + 50 // ACCOUNT_SHARE


def test_a_refusal_has_all_that_its_headers_need(fleet: Fleet) -> None:
    budgets = fleet.container()
    fleet.admitted(budgets, ALICE, ONE[0], 1_000)
    error = fleet.try_once(budgets, ALICE, ONE[0])

    assert error is not None
    assert (error.code, error.retry_after_s) == ("too_many_commands", 1)
    assert error.state == RateState(limit=200, remaining=0, reset_s=5)
    assert fleet.report.codes["t1", "too_many_commands"] > 700


def test_a_flood_that_is_refused_hardly_asks(fleet: Fleet) -> None:
    """Each look costs a write unit; ten seconds of a flood must not cost one a request."""
    budgets = fleet.container()
    admitted = 0
    for _ in range(1_000):
        fleet.clock.time_ms += 10
        admitted += fleet.admitted(budgets, ALICE, ONE[0], 5)

    assert fleet.shared.calls["t1-1", "commands"] <= admitted + 4 * 10 + 1


def test_a_batch_counts_its_commands_and_is_admitted_whole_or_not_at_all(fleet: Fleet) -> None:
    budgets = fleet.container()
    fifty = Charge(Budget.COMMANDS, 50)
    assert fleet.admitted(budgets, ALICE, fifty, 10) == 200 // 50
    # What is left of the container's own share is still there for single orders.
    assert fleet.admitted(budgets, ALICE, ONE[0], 20) == OWN_AT_FIRST


def test_a_batch_of_both_is_charged_for_both_or_for_neither(fleet: Fleet) -> None:
    fleet.busy.add(ALICE)
    budgets = fleet.container()
    fleet.admitted(budgets, ALICE, Charge(Budget.CANCELS, 50), 10)
    with pytest.raises(TooManyRequests, match="cancels"):
        budgets.require(ALICE, (Charge(Budget.COMMANDS, 25), Charge(Budget.CANCELS, 25)))

    assert fleet.admitted(budgets, ALICE, Charge(Budget.COMMANDS, 50), 10) == 4


def test_a_flood_of_orders_leaves_the_cancels(fleet: Fleet) -> None:
    budgets = fleet.container()
    fleet.admitted(budgets, ALICE, ONE[0], 5_000)
    assert fleet.admitted(budgets, ALICE, Charge(Budget.CANCELS, 1), 50) == 50


def test_a_flood_of_single_cancels_leaves_the_one_that_cancels_everything(fleet: Fleet) -> None:
    budgets = fleet.container()
    single = Charge(Budget.CANCELS, 1, keeps_way_out=True)
    admitted = fleet.admitted(budgets, ALICE, single, 5_000)
    assert 400 < admitted < 500
    assert fleet.admitted(budgets, ALICE, Charge(Budget.CANCELS, 1), 10) == 10


def test_other_accounts_and_tenants_are_not_touched(fleet: Fleet) -> None:
    budgets = fleet.container()
    fleet.admitted(budgets, ALICE, ONE[0], 5_000)
    for other in (BOB, CAROL):
        assert fleet.admitted(budgets, other, ONE[0], 100) == 100


def test_a_busy_account_is_counted_from_the_first_command(fleet: Fleet) -> None:
    fleet.busy.add(ALICE)
    containers = [fleet.container() for _ in range(100)]
    admitted = sum(fleet.admitted(one, ALICE, ONE[0], 10) for one in containers)

    assert admitted == LIMITS.account_commands.burst


@pytest.mark.parametrize("budget", [Budget.READS, Budget.FAULTS])
def test_a_flood_of_reads_gets_the_rate_however_many_containers_there_are(
    fleet: Fleet, budget: Budget
) -> None:
    containers = [fleet.container() for _ in range(100)]
    late = 0
    for tick in range(3_000):
        fleet.clock.time_ms += 10
        for step in range(5):
            one = containers[(5 * tick + step) % 100]
            late += (fleet.try_once(one, ALICE, Charge(budget, 1)) is None) and tick >= 1_500

    assert late <= LIMITS.account_reads.per_s * (15 + 1)


def test_who_has_paused_is_ordinary_again(fleet: Fleet) -> None:
    budgets, read = fleet.container(), Charge(Budget.READS, 1)
    fleet.admitted(budgets, ALICE, read, 1_000)
    fleet.clock.time_ms += 20_000
    assert fleet.admitted(budgets, ALICE, read, 1) == 1
    before = fleet.shared.calls.total()
    for _ in range(20):
        fleet.clock.time_ms += 1_000
        assert fleet.admitted(budgets, ALICE, read, 1) == 1
    assert fleet.shared.calls.total() == before


def test_nothing_is_spared_once_most_is_used(fleet: Fleet) -> None:
    budgets = fleet.container()
    spared = sum(budgets.spare(ALICE, Charge(Budget.READS, 10)) for _ in range(100))
    assert spared == LIMITS.account_reads.burst // 2 // 10 + 1
    assert fleet.admitted(budgets, ALICE, Charge(Budget.READS, 1), 100) == 100


def test_accounts_that_flood_leave_half_of_their_tenants_budget_to_the_others() -> None:
    fleet = Fleet(LIMITS._replace(tenant_commands=Rate(100, 400)))
    containers = [fleet.container() for _ in range(10)]
    flooding = [AccountId(T1, index) for index in range(10, 20)]
    ordinary = [AccountId(T1, index) for index in range(100, 200)]
    for account in flooding:
        fleet.admitted(containers[account.index % 10], account, ONE[0], 200)
    refused = {
        error.code
        for account in flooding
        if (error := fleet.try_once(containers[0], account, Charge(Budget.COMMANDS, 20)))
    }
    assert "tenant_over_budget" in refused

    assert sum(fleet.admitted(containers[0], one, ONE[0], 1) for one in ordinary) == 100


def test_a_tenants_refusal_states_nothing_of_the_tenant() -> None:
    fleet = Fleet(LIMITS._replace(tenant_commands=Rate(50, 50)))
    budgets = fleet.container()
    for index in range(10, 20):
        fleet.admitted(budgets, AccountId(T1, index), Charge(Budget.COMMANDS, 5), 10)
    error = fleet.try_once(budgets, BOB, Charge(Budget.COMMANDS, 50))

    assert error is not None
    assert error.code == "tenant_over_budget"
    assert error.state == RateState(limit=200, remaining=200, reset_s=0)


def test_without_the_shared_buckets_each_container_counts_alone_and_says_so(fleet: Fleet) -> None:
    fleet.shared.is_away = True
    budgets = fleet.container()
    own = LIMITS.account_commands.burst // ACCOUNT_SHARE

    assert fleet.admitted(budgets, ALICE, ONE[0], 1_000) == 200 + OWN_AT_FIRST
    assert fleet.report.failures == 1
    assert fleet.shared.calls.total() == 1

    fleet.shared.is_away = False
    fleet.clock.time_ms += 10_000
    assert fleet.admitted(budgets, ALICE, ONE[0], 1_000) == 200 + own
    assert fleet.shared.calls.total() > 100


def test_a_bucket_written_by_a_clock_that_is_off_stops_nobody(fleet: Fleet) -> None:
    fleet.shared.full_at_us["t1-1", "commands"] = (fleet.clock.time_ms + 3_600_000) * 1_000
    fleet.busy.add(ALICE)
    assert fleet.admitted(fleet.container(), ALICE, ONE[0], 100) == 100


def test_the_headers_of_an_ordinary_response_count_down(fleet: Fleet) -> None:
    budgets = fleet.container()
    assert budgets.state(ALICE, Budget.COMMANDS) == RateState(200, 200, 0)
    fleet.admitted(budgets, ALICE, ONE[0], 60)
    assert budgets.state(ALICE, Budget.COMMANDS) == RateState(200, 140, 2)


@pytest.mark.parametrize(
    ("kinds", "charges"),
    [
        pytest.param([w.COMMAND_PLACE], ONE, id="one order"),
        pytest.param([w.COMMAND_AMEND, w.COMMAND_REPLACE], (Charge(Budget.COMMANDS, 2),), id="two"),
        pytest.param(
            [w.COMMAND_PLACE, w.COMMAND_CANCEL, w.COMMAND_CANCEL],
            (Charge(Budget.COMMANDS, 1), Charge(Budget.CANCELS, 2, keeps_way_out=True)),
            id="a batch of both",
        ),
        pytest.param(
            [w.COMMAND_STAGE, w.COMMAND_STAGE, w.COMMAND_PLACE_LIST],
            (Charge(Budget.COMMANDS, 3),),
            id="an entry and two exits",
        ),
        pytest.param([w.COMMAND_CANCEL_ALL], (Charge(Budget.CANCELS, 1),), id="everything"),
        pytest.param([w.COMMAND_CREDIT], ONE, id="a kind that is no cancel"),
    ],
)
def test_commands_are_counted_by_their_kind(kinds: list[int], charges: tuple[Charge, ...]) -> None:
    assert charges_of(kinds) == charges


def test_only_cancels_are_the_way_out() -> None:
    cancel = w.COMMAND_CANCEL.to_bytes(8, "little") + bytes(w.COMMAND_BYTES - 8)
    place = w.COMMAND_PLACE.to_bytes(8, "little") + bytes(w.COMMAND_BYTES - 8)
    assert only_cancels(cancel * 3)
    assert not only_cancels(cancel + place)
