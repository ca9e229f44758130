"""A tenant's life against fakes: which way leads where, and that every step may fail once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bursa.intake.once import CommandBuilder
from bursa.intake.submission import CommandHeader
from bursa.kernel.amounts import Lots, Ticks, Units
from bursa.kernel.errors import BursaError, Conflict, InvalidInput, NotFound, Unavailable
from bursa.kernel.identifiers import SYSTEM, AccountId, CommandId, TenantId
from bursa.kernel.markets import Market, MarketState, MarketUnits
from bursa.tenants.administration import Request, TenantAdministration
from bursa.tenants.life import DAY_MS, TenantRecord, TenantState
from wire import layout
from wire.codec import decode_commands

TENANT = TenantId(7)
ASKED = Request("mia", "court order 12")
BEFORE = {
    "BTC-USDT": MarketState.OPEN,
    "ETH-USDT": MarketState.POST_ONLY,
    "SOL-USDT": MarketState.HALTED,
    "TON-USDT": MarketState.AUCTION,
    "XRP-USDT": MarketState.CANCEL_ONLY,
}
RESUMED = BEFORE | {"TON-USDT": MarketState.OPEN}
STANDING = dict.fromkeys(BEFORE, MarketState.CANCEL_ONLY) | {"SOL-USDT": MarketState.HALTED}
STATES = {number: MarketState(name) for number, name in layout.MARKET_STATE_NAMES.items()}


OPEN = TenantRecord("t7", "demo", 0, "https://issuer.example/pool")


@dataclass
class World:
    """All that the administration reaches; the call of number ``fails_at`` fails.

    It fails before it has an effect, or after it, as a response that was lost.
    """

    record: TenantRecord = OPEN
    states: dict[str, MarketState] = field(default_factory=lambda: dict(BEFORE))
    now: int = 1_000_000
    done: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    removed: int = 0
    calls: int = 0
    fails_at: int = -1
    after_effect: bool = False

    def step(self, effect: Callable[[], Any]) -> Any:
        self.calls += 1
        fails = self.calls == self.fails_at
        if fails and not self.after_effect:
            raise Unavailable("lost", "Try again.")
        outcome = effect()
        if fails:
            raise Unavailable("lost", "Try again.")
        return outcome

    # Records.
    def find(self, tenant: TenantId) -> Any:
        return self.step(lambda: self.record if tenant == TENANT else None)

    def all(self, tenant: TenantId | None = None) -> Any:
        if tenant is None:
            return [self.record]
        return self.step(
            lambda: [market(number, symbol, self.states) for number, symbol in enumerate(BEFORE, 1)]
        )

    def save(self, record: TenantRecord) -> Any:
        return self.step(lambda: self._save(record))

    def _save(self, record: TenantRecord) -> TenantRecord:
        if record.version != self.record.version:
            raise Conflict("tenant_changed", "Look again.")
        self.record = replace(record, version=record.version + 1)
        return self.record

    # Intake.
    def submit_once(
        self, account: AccountId, kind: str, key: str, commands: Sequence[CommandBuilder]
    ) -> None:
        assert account == TENANT.fee_account
        header = CommandHeader(CommandId(1, 1), 1, SYSTEM)
        decoded = [command for build in commands for command in decode_commands(build(header))]
        # As the worker demands it of a market's settings.
        assert {command.account for command in decoded} <= {account.number}
        sent = [(command.body[0], command.body[1]) for command in decoded]
        self.step(lambda: self._carry_out(f"{kind}/{key}", sent))

    def _carry_out(self, name: str, sent: list[tuple[int, int]]) -> None:
        assert self.done.get(name, sent) == sent, "a repeat must bring the same commands"
        if name not in self.done:
            self.done[name] = sent
            for number, state in sent:
                self.states[list(BEFORE)[number - 1]] = STATES[state]

    def remove(self, record: TenantRecord) -> None:
        self.step(self._remove)

    def _remove(self) -> None:
        self.removed += 1

    def now_ms(self) -> int:
        return self.now


def market(number: int, symbol: str, states: dict[str, MarketState]) -> Market:
    base, _, quote = symbol.partition("-")
    units = MarketUnits(symbol, base, quote, 8, 8, 1, 1)
    return Market(number, units, states[symbol], Units(0), Ticks(1), Lots(1))


def administration(world: World) -> TenantAdministration:
    return TenantAdministration(world, world, world, world, world)


def test_suspension_takes_cancels_only_at_once_and_ends_sign_in_later() -> None:
    world = World()
    record = administration(world).suspend(TENANT, ASKED, 3_600_000)
    assert world.states == STANDING
    assert record.state is TenantState.SUSPENDED
    assert record.sign_in_ends_at_ms == world.now + 3_600_000
    assert [(one.by, one.reason) for one in record.history] == [("mia", "court order 12")]


def test_a_resumed_tenant_is_as_it_was_and_may_be_suspended_again() -> None:
    world = World()
    for _ in range(2):
        administration(world).suspend(TENANT, ASKED)
        assert world.states == STANDING
        record = administration(world).resume(TENANT, ASKED)
        assert (record.state, record.sign_in_ends_at_ms) == (TenantState.ACTIVE, None)
        assert world.states == RESUMED
    assert record.standstills == 2


def test_a_repeated_suspension_keeps_its_grace_unless_it_names_one() -> None:
    world = World()
    first = administration(world).suspend(TENANT, ASKED)
    world.now += 1_000
    assert administration(world).suspend(TENANT, ASKED) == first
    shorter = administration(world).suspend(TENANT, ASKED, 0)
    assert shorter.sign_in_ends_at_ms == world.now
    assert len(world.done) == 1


def test_a_tenant_is_deleted_after_its_waiting_period_and_an_export() -> None:
    world = World()
    closing = administration(world).close(TENANT, ASKED, 7 * DAY_MS)
    assert (closing.state, world.states) == (TenantState.CLOSING, STANDING)
    assert closing.sign_in_ends_at_ms is None
    assert refusal(lambda: administration(world).delete(TENANT, ASKED)) == "waiting_period"
    world.now += 7 * DAY_MS
    assert refusal(lambda: administration(world).delete(TENANT, ASKED)) == "not_exported"
    administration(world).note_export(TENANT)
    record = administration(world).delete(TENANT, ASKED)
    assert (record.state, world.removed) == (TenantState.DELETED, 1)
    assert administration(world).delete(TENANT, ASKED) == record


def test_an_export_before_the_closing_does_not_count() -> None:
    world = World()
    administration(world).note_export(TENANT)
    world.now += 1
    administration(world).close(TENANT, ASKED, 7 * DAY_MS)
    world.now += 7 * DAY_MS
    assert refusal(lambda: administration(world).delete(TENANT, ASKED)) == "not_exported"
    assert not world.removed


def test_closing_may_be_taken_back() -> None:
    world = World()
    administration(world).suspend(TENANT, ASKED)
    administration(world).close(TENANT, ASKED)
    record = administration(world).resume(TENANT, ASKED)
    assert (record.state, record.delete_after_ms, world.states) == (
        TenantState.ACTIVE,
        None,
        RESUMED,
    )


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(BursaError) as refused:
        call()
    return refused.value.code


# Per state: which operations are refused because of it.
REFUSED = {
    TenantState.OPENING: {"suspend", "resume", "delete"},
    TenantState.ACTIVE: {"delete"},
    TenantState.SUSPENDED: {"delete"},
    TenantState.CLOSING: {"suspend"},
    TenantState.DELETED: {"suspend", "resume", "close"},
}
OPERATIONS = ("suspend", "resume", "close", "delete")


@pytest.mark.parametrize("state", TenantState)
def test_an_operation_that_a_state_does_not_allow_changes_nothing(state: TenantState) -> None:
    refused = set()
    for operation in OPERATIONS:
        world = World(record=replace(OPEN, state=state, delete_after_ms=0))
        before = world.record
        try:
            getattr(administration(world), operation)(TENANT, ASKED)
        except Conflict as error:
            if error.code == "wrong_tenant_state":
                refused.add(operation)
                assert (world.record, world.states, world.removed) == (before, BEFORE, 0)
    assert refused == REFUSED[state]


FAULTY: dict[str, tuple[Callable[[TenantAdministration], object], str]] = {
    "no reason": (lambda one: one.suspend(TENANT, Request("mia", "  ")), "invalid_reason"),
    "a long reason": (lambda one: one.close(TENANT, Request("mia", "x" * 301)), "invalid_reason"),
    "two lines": (lambda one: one.resume(TENANT, Request("mia", "a\nb")), "invalid_reason"),
    "grace below zero": (lambda one: one.suspend(TENANT, ASKED, -1), "invalid_grace"),
    "endless grace": (lambda one: one.suspend(TENANT, ASKED, 91 * DAY_MS), "invalid_grace"),
    "a short wait": (lambda one: one.close(TENANT, ASKED, 7 * DAY_MS - 1), "invalid_waiting"),
    "a long wait": (lambda one: one.close(TENANT, ASKED, 366 * DAY_MS), "invalid_waiting"),
    "an unknown tenant": (lambda one: one.suspend(TenantId(8), ASKED), "unknown_tenant"),
}


@pytest.mark.parametrize(("call", "code"), FAULTY.values(), ids=FAULTY)
def test_what_can_not_be_meant_is_refused_before_anything_is_done(
    call: Callable[[TenantAdministration], object], code: str
) -> None:
    world = World()
    with pytest.raises((InvalidInput, NotFound)) as refused:
        call(administration(world))
    assert refused.value.code == code
    assert (world.record, world.states) == (OPEN, BEFORE)


def suspended(world: World) -> None:
    administration(world).suspend(TENANT, ASKED)


def resumed(world: World) -> None:
    administration(world).resume(TENANT, ASKED)


def closed(world: World) -> None:
    administration(world).close(TENANT, ASKED)


def deleted(world: World) -> None:
    administration(world).delete(TENANT, ASKED)


def is_due(world: World) -> None:
    world.now += 31 * DAY_MS
    administration(world).note_export(TENANT)


WAYS: dict[str, tuple[list[Callable[[World], None]], Callable[[World], None]]] = {
    "suspend": ([], suspended),
    "resume": ([suspended], resumed),
    "close": ([], closed),
    "take closing back": ([closed], resumed),
    "delete": ([closed, is_due], deleted),
}


@pytest.mark.parametrize("after_effect", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize(("before", "operation"), WAYS.values(), ids=WAYS)
def test_each_step_may_fail_once(
    before: list[Callable[[World], None]],
    operation: Callable[[World], None],
    after_effect: bool,
) -> None:
    def run(fails_at: int) -> World:
        world = World(after_effect=after_effect)
        for one in before:
            one(world)
        world.calls, world.fails_at = 0, fails_at
        try:
            operation(world)
        except Unavailable:
            operation(world)
        return world

    whole = run(-1)
    assert whole.calls > 2
    for fails_at in range(1, whole.calls + 1):
        world = run(fails_at)
        assert (world.states, world.done) == (whole.states, whole.done)
        assert replace(world.record, version=0) == replace(whole.record, version=0)


@pytest.mark.parametrize("named", ["t7", "demo"])
def test_a_tenant_is_found_by_its_id_or_its_name(named: str) -> None:
    assert administration(World()).find(named).tenant == "t7"


def test_a_tenant_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="list them"):
        administration(World()).find("t8")
