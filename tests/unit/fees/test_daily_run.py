"""The daily run: whose tier is set to what, whatever breaks off and however often it starts."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.accounts.sub_accounts import SubAccount, SubAccountList
from bursa.fees.daily_run import (
    DailyRun,
    RunProgress,
    RunReport,
    Tools,
    progress_from,
    tenants_in_turn,
)
from bursa.fees.ports import TierChange
from bursa.fees.schedule import FeeSchedule
from bursa.fees.user_fees import UserFees
from bursa.kernel.calendar_time import DAY_MS
from bursa.kernel.errors import BursaError, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.market_data.traded_value import TradedValue
from bursa.market_data.valuation import Reference
from bursa.read_models.account_rows import AccountRow

TENANT = TenantId(1)
TODAY = 20_000
FAR_MS = 1 << 60
SCHEDULE = FeeSchedule("USDT", 2, (1_000, 50_000), since_ms=1)


def user(number: int) -> AccountId:
    return AccountId(TENANT, number)


@dataclass
class World:
    """All that a run works with, in memory."""

    schedules: dict[TenantId, FeeSchedule] = field(default_factory=lambda: {TENANT: SCHEDULE})
    kept: dict[AccountId, UserFees] = field(default_factory=dict)
    steps: dict[TenantId, RunProgress] = field(default_factory=dict)
    traded: dict[AccountId, Counter[int]] = field(default_factory=dict)
    seats: dict[AccountId, list[int]] = field(default_factory=dict)
    tiers: dict[AccountId, int] = field(default_factory=dict)
    sent: list[tuple[AccountId, int]] = field(default_factory=list)
    told: list[TierChange] = field(default_factory=list)
    failing: set[AccountId] = field(default_factory=set)
    failed: list[AccountId] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    users: int = 3
    day: int = TODAY
    whole_until_ms: int = FAR_MS
    minute: int = 20
    steps_left: int = 1 << 60
    pins_while_setting: dict[AccountId, int] = field(default_factory=dict)
    without_price: frozenset[str] = frozenset()

    # --- records ---

    def schedule(self, tenant: TenantId) -> FeeSchedule | None:
        return self.schedules.get(tenant)

    def user(self, owner: AccountId) -> UserFees:
        return self.kept.get(owner, UserFees())

    def write_user(self, owner: AccountId, fees: UserFees) -> None:
        self.kept[owner] = replace(fees, pinned_tier=self.user(owner).pinned_tier)

    def pin(self, owner: AccountId, tier: int | None) -> None:
        self.kept[owner] = replace(self.user(owner), pinned_tier=tier)

    def progress(self, tenant: TenantId) -> RunProgress:
        return self.steps.get(tenant, RunProgress())

    def write_progress(self, tenant: TenantId, progress: RunProgress) -> None:
        self.steps[tenant] = progress

    def users_numbered(self, _tenant: TenantId) -> int:
        return self.users

    # --- the rest ---

    def read_seats(self, owner: AccountId) -> SubAccountList:
        seats = self.seats.get(owner, [])
        return SubAccountList({s: SubAccount(owner.sub_account(s), "x", 1) for s in seats}, 1)

    def of_user(
        self, account: AccountId, reference: Reference, first_day: int, last_day: int
    ) -> TradedValue:
        days = self.traded.get(account.owner, Counter())
        worth = 1 if reference.currency == "USDT" else 2
        found = {day: units * worth for day, units in days.items() if first_day <= day <= last_day}
        return TradedValue(found, self.without_price)

    def require(self, _tenant: TenantId, end_ms: int) -> None:
        if self.whole_until_ms < end_ms:
            raise Unavailable("read_models_late", "Later.")

    def settings(self, account: AccountId) -> AccountRow | None:
        tier = self.tiers.get(account)
        return None if tier is None else AccountRow(str(account), tier, 0, "active", 1)

    def set_tier(self, account: AccountId, tier: int) -> None:
        if account in self.failing:
            raise Unavailable("no_answer", "Later.")
        self.sent.append((account, tier))
        self.tiers[account] = tier
        if account in self.pins_while_setting:
            self.pin(account.owner, self.pins_while_setting.pop(account))

    def send(self, change: TierChange) -> None:
        self.told.append(change)

    def now_ms(self) -> int:
        return self.day * DAY_MS + self.minute * 60_000

    def may_go_on(self) -> bool:
        self.steps_left -= 1
        return self.steps_left >= 0

    # --- what tests do ---

    def trade(self, account: AccountId, units: int, days_ago: int = 1) -> None:
        days = self.traded.setdefault(account.owner, Counter())
        days[self.day - days_ago] += units

    def traded_values(self) -> Any:
        return type("Traded", (), {"of_user": staticmethod(self.of_user)})()

    def run(self, steps: int = 1 << 60) -> RunReport:
        self.steps_left = steps
        world: Any = self
        sub_accounts: Any = type("Seats", (), {"read": staticmethod(self.read_seats)})()
        tools = Tools(
            records=world,
            sub_accounts=sub_accounts,
            traded=self.traded_values(),
            days=world,
            settings=world,
            commands=world,
            notices=world,
            clock=world,
        )

        def fail(account: AccountId, _error: BursaError) -> None:
            self.failed.append(account)

        def miss(_tenant: TenantId, assets: frozenset[str]) -> None:
            self.missing |= assets

        return DailyRun(tools, self.may_go_on, fail, miss)(TENANT)


def test_who_has_traded_enough_has_the_tier_and_is_told_once() -> None:
    world = World()
    world.trade(user(1), 999)
    world.trade(user(2), 600)
    world.trade(user(2), 400, days_ago=30)
    report = world.run()
    assert (report.is_done, report.users, report.changed) == (True, 3, 1)
    assert world.sent == [(user(2), 1)]
    assert world.told == [TierChange(user(2), 1, 0, "10", "USDT", "2024-10-04", 1)]
    assert world.run() == RunReport()
    assert len(world.told) == 1


@pytest.mark.parametrize(("days_ago", "tier"), [(30, 1), (31, 0), (1, 1), (0, 0)])
def test_thirty_whole_days_count_and_today_does_not(days_ago: int, tier: int) -> None:
    world = World()
    world.trade(user(1), 5_000, days_ago)
    world.run()
    assert world.tiers.get(user(1), 0) == tier


def test_nobody_is_judged_by_a_day_that_is_not_whole() -> None:
    world = World(tiers={user(1): 1}, whole_until_ms=TODAY * DAY_MS - 1)
    with pytest.raises(Unavailable):
        world.run()
    assert (world.sent, world.kept, world.steps) == ([], {}, {})
    world.whole_until_ms += 1
    world.trade(user(1), 5_000)
    assert world.run().is_done
    assert world.kept[user(1)].volume == 5_000
    # A run that is done asks no more, and neither does one without a schedule.
    world.whole_until_ms = 0
    assert world.run() == RunReport()
    world.schedules.clear()
    world.day += 1
    assert world.run() == RunReport()


def test_a_tier_ends_when_its_volume_is_over() -> None:
    world = World()
    world.trade(user(1), 5_000)
    world.run()
    world.day += 29
    world.run()
    assert world.tiers[user(1)] == 1
    world.day += 1
    world.run()
    assert world.tiers[user(1)] == 0
    assert [(one.before, one.tier) for one in world.told] == [(0, 1), (1, 0)]


def test_a_users_accounts_count_together_and_have_one_tier() -> None:
    world = World()
    world.seats[user(1)] = [1, 4]
    for account in (user(1), user(1).sub_account(1), user(1).sub_account(4)):
        world.trade(account, 400)
    world.run()
    assert world.sent == [
        (user(1), 1),
        (user(1).sub_account(1), 1),
        (user(1).sub_account(4), 1),
    ]
    # One that is opened later gets it with the next run.
    world.seats[user(1)] = [1, 4, 5]
    world.day += 1
    world.run()
    assert world.sent[3:] == [(user(1).sub_account(5), 1)]


def test_a_pinned_tier_is_not_overridden() -> None:
    world = World(tiers={user(1): 2, user(3): 0})
    for number in (1, 2):
        world.trade(user(number), 5_000)
    world.pin(user(1), 2)
    world.pin(user(3), 1)
    world.run()
    assert world.tiers == {user(1): 2, user(2): 1, user(3): 1}
    # Its volume is counted all the same, for when it is pinned no more.
    assert world.kept[user(1)].volume == 5_000
    world.pin(user(1), None)
    world.day += 1
    world.run()
    assert world.tiers[user(1)] == 1


def test_a_tier_that_is_pinned_while_another_is_set_has_its_way() -> None:
    world = World(pins_while_setting={user(1): 2})
    world.trade(user(1), 5_000)
    world.run()
    assert world.sent == [(user(1), 1), (user(1), 2)]
    assert world.told[-1].tier == 2


def test_an_asset_that_has_no_price_is_named_and_the_rest_counts() -> None:
    world = World(without_price=frozenset({"XYZ"}))
    world.trade(user(1), 5_000)
    world.run()
    assert world.kept[user(1)].volume == 5_000
    assert world.missing == {"XYZ"}


def test_of_who_never_traded_nothing_is_kept() -> None:
    world = World()
    world.run()
    assert world.kept == {}


def test_who_fails_keeps_nobody_else_waiting_and_comes_again() -> None:
    world = World(failing={user(1)})
    for number in (1, 2):
        world.trade(user(number), 5_000)
    assert not world.run().is_done
    assert (world.failed, world.tiers) == ([user(1)], {user(2): 1})
    world.failing.clear()
    assert world.run().is_done
    assert world.tiers == {user(1): 1, user(2): 1}
    assert sorted(one.account.index for one in world.told) == [1, 2]


def test_many_users_behind_one_that_always_fails_have_their_turn() -> None:
    world = World(users=300, failing={user(5)})
    for number in range(1, 301):
        world.trade(user(number), 5_000)
    starts = [world.run(steps=100) for _ in range(4)]
    assert world.tiers == {user(n): 1 for n in range(1, 301) if n != 5}
    assert [one.is_done for one in starts] == [False] * 4
    # By itself, so that it costs the others nothing.
    assert world.run() == RunReport(is_done=False, failed=1)
    world.failing.clear()
    assert world.run().is_done
    assert world.tiers[user(5)] == 1


def test_several_that_fail_take_turns_when_time_is_short() -> None:
    world = World(failing={user(1), user(2)})
    for number in (1, 2):
        world.trade(user(number), 5_000)
    world.run()
    world.failed.clear()
    for _ in range(4):
        world.run(steps=1)
    assert world.failed == [user(1), user(2)] * 2


def test_days_that_have_no_time_for_all_reach_everybody() -> None:
    world = World(users=10)
    for number in range(1, 11):
        world.trade(user(number), 5_000)
    for _ in range(3):
        world.run(steps=4)
        world.day += 1
    assert world.tiers == {user(n): 1 for n in range(1, 11)}


def test_a_run_waits_until_the_day_before_has_arrived() -> None:
    world = World(minute=14)
    world.trade(user(1), 5_000)
    assert world.run() == RunReport(is_done=False)
    assert not world.sent
    world.minute = 15
    assert world.run().is_done
    assert world.sent == [(user(1), 1)]


def test_each_tenant_is_first_at_some_hour() -> None:
    hour_ms = 3_600_000
    assert tenants_in_turn(0, 5 * hour_ms) == []
    assert tenants_in_turn(3, 0) == [1, 2, 3]
    assert tenants_in_turn(3, 5 * hour_ms) == [3, 1, 2]


def test_progress_comes_back_as_stored_and_of_an_older_form_begins_anew() -> None:
    kept = RunProgress("20000/1", ((5, 9), (1, 4)), (2, 3))
    assert progress_from(json.loads(json.dumps(kept._asdict()))) == kept
    assert progress_from({"name": "20000/1", "next_user": 7, "is_done": True}) == RunProgress()


def test_another_schedule_is_gone_by_on_the_same_day() -> None:
    world = World()
    world.trade(user(1), 5_000)
    world.run()
    world.schedules[TENANT] = FeeSchedule("USDT", 2, (10, 20), since_ms=2)
    assert world.run().changed == 1
    assert world.tiers[user(1)] == 2


def test_another_currency_is_counted_anew() -> None:
    world = World()
    world.trade(user(1), 1_000)
    world.run()
    assert world.kept[user(1)].volume_in("BTC") == 0
    world.schedules[TENANT] = FeeSchedule("BTC", 8, (1_999, 2_001), since_ms=2)
    world.run()
    assert (world.kept[user(1)].volume_in("BTC"), world.tiers[user(1)]) == (2_000, 1)


def test_a_tenant_without_a_schedule_has_nothing_to_set() -> None:
    world = World(schedules={})
    world.trade(user(1), 5_000)
    assert world.run() == RunReport()
    assert (world.sent, world.kept, world.steps) == ([], {}, {})


TRADES = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 2), st.integers(1, 40_000), st.integers(0, 40)),
    max_size=25,
)


@given(TRADES, st.lists(st.integers(0, 4), max_size=12))
def test_however_often_it_breaks_off_volumes_and_tiers_are_the_same(
    trades: list[tuple[int, int, int, int]], breaks: list[int]
) -> None:
    world = World(seats={user(n): [1, 2] for n in (1, 2, 3)})
    expected = dict.fromkeys((1, 2, 3), 0)
    for number, seat, units, days_ago in trades:
        account = user(number).sub_account(seat) if seat else user(number)
        world.trade(account, units, days_ago)
        if 1 <= days_ago <= 30:
            expected[number] += units
    for steps in breaks:
        world.run(steps)
    assert world.run().is_done
    for number, volume in expected.items():
        assert world.user(user(number)).volume == volume
        tier = SCHEDULE.tier_for(volume)
        for account in (user(number), user(number).sub_account(1), user(number).sub_account(2)):
            assert world.tiers.get(account, 0) == tier
    assert sorted(one.account.index for one in world.told) == [
        number for number, volume in expected.items() if SCHEDULE.tier_for(volume)
    ]
