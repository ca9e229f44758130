"""One schedule of an exchange's wallets, drawn from a seed, and what must hold in it always."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from bursa.kernel.errors import BursaError
from bursa.wallets.chains.ports import EvmPlan
from bursa.wallets.deposit_states import DepositState
from bursa.wallets.stops import ANY, Flow, Stop
from bursa.wallets.withdrawal_progress import FEE_NOT_CREDITED
from bursa.wallets.withdrawal_states import WITHDRAWAL_ENDS, WithdrawalState
from bursa.wallets.withdrawals import Withdrawal
from engine.reference.audit import audit
from tests.doubles.wallet_chain import CHAIN
from tests.simulation.wallet_turns import Crash
from tests.simulation.wallet_world import (
    ADDRESSES,
    EXTERNAL,
    FUNDED_UNITS,
    HOT,
    HOT_UNITS,
    OPERATORS,
    TENANT,
    UNIT,
    USERS,
    World,
)

STEPS = 50
ROUNDS_TO_END = 60
ROUNDS_AT_LEAST = 15


@dataclass
class Ended:
    """What a schedule came to: how many of what, for the figures."""

    deposits: Counter[str]
    withdrawals: Counter[str]
    effects: int
    crashes: int


class Schedule:
    """Draws what happens, and checks."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.random = self.world.random
        self.crashes = 0
        self.keys = 0
        self.asked: list[tuple[int, str, str, int]] = []
        # Most schedules have faults and reverted transactions, some have none.
        turns = self.world.turns
        turns.crash_one_in = self.random.choice((0, 15, 40, 120))
        turns.lose_one_in = self.random.choice((0, 20, 60))
        self.world.chain.revert_one_in = self.random.choice((0, 0, 4))

    def run(self) -> Ended:
        """Let things happen, then let everything come to its end without faults, and check."""
        actions = self._actions()
        for _ in range(STEPS):
            action = self.random.choice(actions)
            try:
                action()
            except (BursaError, Crash):
                self.crashes += 1
            self.check_always()
        self._finish()
        self.check_always()
        self.check_end()
        return Ended(
            Counter(one.state for one in self.world.deposits.rows.values()),
            Counter(one.state for one in self.world.withdrawals.rows.values()),
            self.world.turns.effects,
            self.crashes,
        )

    # --- what happens -----------------------------------------------------------------------------

    def _actions(self) -> list[Callable[[], object]]:
        world = self.world
        weighted = {
            self._deposit: 4,
            self._mine: 8,
            self._reorganise: 3,
            self._request: 4,
            self._repeat: 2,
            self._approve: 3,
            self._cancel: 1,
            self._together: 6,
            world.look: 4,
            world.pay: 5,
            world.mend: 3,
            self._pass_time: 1,
            self._stop: 1,
        }
        return [action for action, weight in weighted.items() for _ in range(weight)]

    def _deposit(self) -> None:
        outputs = [
            (
                self.random.choice(list(ADDRESSES))[1],
                self.random.choice((20, 500, 800_000)) * UNIT,
            )
            for _ in range(self.random.choice((1, 1, 2, 3)))
        ]
        self.world.chain.pay(f"0xext{self.random.randrange(4)}", *outputs)

    def _mine(self) -> None:
        self.world.clock.time_ms += 12_000
        self.world.chain.mine(lambda _: self.random.random() < 0.2)

    def _reorganise(self) -> None:
        depth = self.random.choice((1, 1, 2, 3, 5, 6))
        self.world.chain.reorganise(depth, lambda one: self.random.random() < 0.3)

    def _request(self) -> None:
        self.keys += 1
        address = self.random.choice((*EXTERNAL, *EXTERNAL, "0xdeposit1", "0xdeposit2"))
        units = self.random.choice((100, 250_000, 400_000, 900_000, 1_200_000))
        self.asked.append((self.random.randrange(2), f"key-{self.keys}", address, units))
        self._repeat()

    def _repeat(self) -> None:
        if self.asked:
            user, key, address, units = self.random.choice(self.asked[-3:])
            ask = lambda: self.world.request(USERS[user], key, address, units)  # noqa: E731
            self.world.turns.run(*[ask] * self.random.choice((1, 2)))

    def _approve(self) -> None:
        one = self._any()
        if one is not None:
            person = self.random.choice((*OPERATORS, one.user))
            self.world.decisions.approve(one.account, one.id, person, one.intent.digest)

    def _cancel(self) -> None:
        one = self._any()
        if one is not None:
            cancel = lambda: self.world.decisions.cancel(one.account, one.id)  # noqa: E731
            self.world.turns.run(cancel, self.world.pay)

    def _together(self) -> None:
        world = self.world
        pairs = ((world.pay, world.pay), (world.look, world.look), (world.pay, world.mend))
        if self.random.random() < 0.5:
            # Left halfway, so that both begin at the same step of it.
            usual, world.turns.crash_one_in = world.turns.crash_one_in, 6
            world.turns.run(self.random.choice((world.pay, world.look)))
            world.turns.crash_one_in = usual
        world.turns.run(*self.random.choice(pairs))

    def _pass_time(self) -> None:
        self.world.clock.time_ms += self.random.choice((60_000, 3_600_000, 25 * 3_600_000))

    def _stop(self) -> None:
        stop = Stop(Flow.WITHDRAWALS, ANY, CHAIN, ANY, "person")
        self.random.choice((self.world.stops.set, self.world.stops.clear))(stop)

    def _any(self) -> Withdrawal | None:
        rows = list(self.world.withdrawals.rows.values())
        return self.random.choice(rows) if rows else None

    def _finish(self) -> None:
        world = self.world
        world.turns.crash_one_in = world.turns.lose_one_in = 0
        for account in USERS:
            world.intake.deliver(account)
        for rounds in range(ROUNDS_TO_END):
            world.stops.stops.clear()
            world.clock.time_ms += 3_600_000
            world.chain.mine()
            for work in (world.look, world.pay, world.mend):
                work()
            is_over = all(one.state in WITHDRAWAL_ENDS for one in world.withdrawals.rows.values())
            if is_over and not world.chain.mempool and rounds > ROUNDS_AT_LEAST:
                break

    # --- what must hold ---------------------------------------------------------------------------

    def check_always(self) -> None:
        """Check what must hold at any moment, whatever has crashed."""
        audit(self.world.intake.engine.state)
        digests = defaultdict(set)
        for raw, plan in self._signed():
            digests[plan.payments[0].id if plan.payments else plan.lane.nonce].add(raw)
        for name, made in digests.items():
            assert len(made) == 1, f"{name} has {len(made)} digests"
        for payment, sent in self.world.chain.sent.items():
            assert len(sent) == 1, f"{payment} was sent as {len(sent)} transactions"
        for one in self.world.withdrawals.rows.values():
            paid = self.world.chain.paid(one.id)
            assert paid <= 1, f"{one.id} was paid {paid} times"
            if one.state in {WithdrawalState.FAILED, WithdrawalState.REFUSED}:
                assert not paid, f"{one.id} is {one.state} and was paid"

    def _signed(self) -> list[tuple[bytes, EvmPlan]]:
        """Return what every signature that was made is of."""
        world = self.world
        plans = {}
        for signing in world.signings.rows.values():
            if signing.plan is not None:
                unsigned = world.mint.build(signing.plan)  # type: ignore[arg-type]
                plans[unsigned.requests[0].digest] = signing.plan
        # A digest that was signed and is of no kept plan would be a second one.
        return [(digest, plans[digest]) for digest in set(world.key.digests)]  # type: ignore[misc]

    def check_end(self) -> None:
        """Check the books: of each deposit, each withdrawal, and of ledger and chain together."""
        world = self.world
        charged = held = 0
        for one in world.withdrawals.rows.values():
            assert one.state in WITHDRAWAL_ENDS, f"{one.id} is left {one.state} ({one.reason})"
            if one.state is WithdrawalState.FINAL:
                charged += one.network_fee_units
                if one.reason == FEE_NOT_CREDITED:
                    charged += one.tenant_fee_units
                is_paid = world.chain.paid(one.id) == 1
                assert is_paid is (one.receiver is None), f"{one.id} is done and not paid"
        for account in (*USERS, TENANT.fee_account):
            held += world.intake.units(account)[1]
        assert held == 0, "a hold is left"
        assert not any(
            count.entries
            for key, count in world.counts.rows.items()
            if key.subject.startswith("outgoing/")
        ), "something is still about to leave"
        arrived, uncredited, owed = self._check_deposits()
        spent = self._gas_units()
        # What came, less what left with its fees, is what is owed and what was not credited.
        liabilities = world.intake.liabilities
        hot = world.chain.balance(HOT) // UNIT
        there = hot + sum(world.chain.balance(one) for _, one in ADDRESSES) // UNIT
        surplus = HOT_UNITS - len(USERS) * FUNDED_UNITS
        assert there - liabilities == surplus + charged - spent + uncredited - owed, (
            f"{there=} {liabilities=} {charged=} {spent=} {uncredited=} {owed=} {arrived=}"
        )

    def _check_deposits(self) -> tuple[int, int, int]:
        """Return units that arrived, that arrived and were not credited, and were only credited."""
        world = self.world
        arrived = uncredited = owed = 0
        for one in world.deposits.rows.values():
            block = world.chain.status(one.id.transaction).block
            is_there = block is not None
            is_credited = one.state in {
                DepositState.CREDITED,
                DepositState.FINAL,
                DepositState.ACCOUNT_HELD,
            }
            arrived += one.units * is_there
            uncredited += one.units * (is_there and not is_credited)
            owed += one.units * (is_credited and not is_there)
            if is_there and one.reason == "command_too_old":
                # It was never credited and a person decides: no schedule has one.
                assert one.state is DepositState.HELD
            elif is_there:
                may_be = {DepositState.CREDITED, DepositState.FINAL, DepositState.BELOW_MINIMUM}
                # A frozen account takes no credit... but the engine credits it all the same.
                assert one.state in may_be, f"{one.id.text} arrived and is {one.state}"
            elif is_credited:
                assert one.state is DepositState.ACCOUNT_HELD, f"{one.id.text} is {one.state}"
        return arrived, uncredited, owed

    def _gas_units(self) -> int:
        transactions = [one for _, mined in self.world.chain.blocks for one in mined]
        return sum(one.fee for one in transactions) // UNIT


def run(seed: int) -> Ended:
    """Run one schedule; an assertion names its seed."""
    try:
        return Schedule(seed).run()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
