"""An exchange's wallets in miniature: a ledger, a chain, records, and workers that crash."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from bursa.compliance.levels import ANY, Level, Levels, Operation
from bursa.intake.outcomes import CommandOutcome, read_outcomes
from bursa.intake.submission import Pending, Submission, SubmitOptions
from bursa.kernel.errors import BursaError, Unavailable
from bursa.kernel.identifiers import AccountId, CommandId, TenantId
from bursa.wallets.chains.ports import NATIVE, Broadcast, Sent
from bursa.wallets.claims import Claims
from bursa.wallets.deposit_progress import DepositParts, DepositProgress
from bursa.wallets.deposit_watch import DepositWatch, WatchParts
from bursa.wallets.ledger import EngineLedger
from bursa.wallets.limits import WithdrawalLimits
from bursa.wallets.networks import Depth, Network
from bursa.wallets.nonce_repair import NonceRepair, RepairParts
from bursa.wallets.policy import Policy, Rule, Strictness
from bursa.wallets.signer import HotWallet, Signer, SignerParts
from bursa.wallets.withdrawal_decisions import WithdrawalDecisions
from bursa.wallets.withdrawal_progress import WithdrawalParts, WithdrawalProgress
from bursa.wallets.withdrawal_requests import (
    NetworkFee,
    Requester,
    RequestParts,
    TenantPolicy,
    WithdrawalRequest,
    WithdrawalRequests,
)
from engine.reference import Engine
from tests.doubles.wallet_chain import CHAIN, GAS, GAS_PRICE, Key, MemoryChain, Mint
from tests.doubles.wallet_records import (
    MemoryAddresses,
    MemoryBooks,
    MemoryCheckpoints,
    MemoryClaimBooks,
    MemoryCounts,
    MemoryDeposits,
    MemoryEpochs,
    MemoryNetworks,
    MemoryPauses,
    MemoryPolicies,
    MemorySignings,
    MemoryStops,
    MemoryWithdrawals,
)
from tests.simulation.wallet_turns import Faulty, Turns
from wire import codec
from wire import layout as w
from wire.events import Transfer, decode_events

TENANT = TenantId(1)
USERS = (AccountId(TENANT, 1), AccountId(TENANT, 2))
OPERATORS = ("ann", "ben", "cid")
ASSET = "ETH"
GWEI = 10**9
UNIT = 10**9  # chain units in a ledger unit
HOT = "0xhot"
FUNDED_UNITS = 900_000
HOT_UNITS = 40 * FUNDED_UNITS
FEE_UNITS = GAS * GAS_PRICE // UNIT
NETWORK = Network(
    asset=ASSET,
    chain=CHAIN,
    asset_number=1,
    token=NATIVE,
    decimals=18,
    scale=9,
    deposit_minimum_units=50,
    withdrawal_minimum_units=100,
    depths=(Depth(0, 2), Depth(10_000_000, 4)),
    final_confirmations=9,
    fee_units=7,
    hourly_units=0,
)
FLAT_FEE = NetworkFee(FEE_UNITS, 2 * GAS * GAS_PRICE)
LEVELS = Levels("USD", 2, (Level("all", frozenset(), dict.fromkeys(Operation, ANY)),))
POLICY = Policy((Rule("large", Strictness.APPROVALS, approvals=2, value_from=1_000_000),), 1)
EXTERNAL = ("0xaaa", "0xbbb", "0xccc")
ADDRESSES: dict[tuple[str, str], AccountId] = {
    (CHAIN, f"0xdeposit{one.index}"): one for one in USERS
}


class Now:
    """The time, which only the schedule moves."""

    def __init__(self) -> None:
        self.time_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.time_ms


class EngineIntake:
    """The funds queue and the worker behind it; a message may be lost, or come late, in order."""

    def __init__(self, turns: Turns, clock: Now) -> None:
        self.engine = Engine()
        self._turns, self._clock = turns, clock
        self._late: dict[AccountId, list[bytes]] = defaultdict(list)
        self._references: set[tuple[int, int]] = set()
        self.engine.apply(codec.encode_define_asset(1, 1, 9, ASSET))

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def submit(
        self, submission: Submission, _options: SubmitOptions
    ) -> Sequence[CommandOutcome] | Pending:
        self._turns.point()
        message = b"".join(submission.commands)
        losing = self._turns.lose_one_in
        if losing and self._turns.random.randrange(losing) == 0:
            self._late[submission.account].append(message)
            raise Unavailable("no_answer", "It will be carried out later.")
        self.deliver(submission.account)
        outcomes = read_outcomes(self._apply(message), submission.account.number)
        self._turns.point()
        return outcomes

    def deliver(self, account: AccountId) -> None:
        """Carry out what waits of an account."""
        for message in self._late.pop(account, []):
            self._apply(message)

    def _apply(self, message: bytes) -> bytes:
        self.engine.apply(codec.encode_advance_time(self._clock.now_ms()))
        events = self.engine.apply(message)
        for event in decode_events(events):
            if isinstance(event, Transfer):
                self._references.add((event.reference_high, event.reference_low))
        return events

    def has_transfer(self, account: AccountId, reference: CommandId, _since_ms: int) -> bool:
        self._turns.point()
        self.deliver(account)
        return (reference.high, reference.low) in self._references

    def units(self, account: AccountId) -> tuple[int, int]:
        balance = self.engine.state.balances.get((account.number, 1))
        return (balance.available, balance.held) if balance else (0, 0)

    @property
    def liabilities(self) -> int:
        return sum(one.available + one.held for one in self.engine.state.balances.values())


class UnsureChain(Faulty):
    """A node that may take a transaction and not say so."""

    def broadcast(self, raw: bytes) -> Broadcast:
        try:
            self._turns.point()
            outcome = self._target.broadcast(raw)
            self._turns.point()
        except Unavailable:
            return Broadcast(Sent.UNKNOWN)
        return outcome  # type: ignore[no-any-return] # of the chain


class Quiet:
    """Screening without hits, and nobody to be told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.found = ""

    def hit(self, _one: object) -> str:
        return self.found

    def reorganised(self, _one: object) -> None:
        self.told.append("reorganised")

    def hot_wallet_short(self, _one: object) -> None:
        self.told.append("short")

    def signer_refused(self, _one: object, code: str) -> None:
        self.told.append(code)

    def fee_not_credited(self, _one: object, code: str) -> None:
        self.told.append(code)

    def displaced(self, _one: object) -> None:
        self.told.append("displaced")


@dataclass
class FlatFees:
    """The network's fee, the same until it is changed."""

    fee: NetworkFee = FLAT_FEE

    def estimate(self, _network: Network, _destination: str, _units: int) -> NetworkFee:
        return self.fee


class World:
    """All of it; what has `raw` in its name has no faults."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.turns = Turns(self.random)
        self.clock = Now()
        self.intake = EngineIntake(self.turns, self.clock)
        self.ledger = EngineLedger(self.intake, self.intake)
        self.mint, self.key = Mint(), Key()
        self.chain = MemoryChain(self.mint, self.random, {HOT: HOT_UNITS * UNIT})
        self.deposits, self.withdrawals = MemoryDeposits(), MemoryWithdrawals()
        self.signings, self.counts = MemorySignings(), MemoryCounts()
        self.stops, self.books = MemoryStops(), MemoryBooks()
        self.claim_books, self.epochs = MemoryClaimBooks(), MemoryEpochs()
        self.checkpoints = MemoryCheckpoints()
        self.told = Quiet()
        self.epoch = 1
        self._wire()
        for account in USERS:
            funds = codec.encode_funds(w.COMMAND_CREDIT, account.number, 1, FUNDED_UNITS)
            self.intake.engine.apply(funds)
        self.begin()

    def _wire(self) -> None:
        turns = self.turns
        chain: Any = UnsureChain(self.chain, turns)
        deposits: Any = Faulty(self.deposits, turns)
        withdrawals: Any = Faulty(self.withdrawals, turns)
        signings: Any = Faulty(self.signings, turns)
        key: Any = Faulty(self.key, turns)
        stops: Any = Faulty(self.stops, turns, ("set",))
        networks = self.networks = MemoryNetworks([NETWORK])
        addresses = self.addresses = MemoryAddresses(ADDRESSES)
        policies = self.policies = MemoryPolicies({1: TenantPolicy(POLICY)})
        self.pauses, self.fees = MemoryPauses(), FlatFees()
        self.levels = LEVELS
        limits = self.limits = WithdrawalLimits(Faulty(self.counts, turns), lambda _: self.levels)
        claims = self.claims = Claims(Faulty(self.claim_books, turns))
        self.progress = DepositProgress(
            DepositParts(
                chain, deposits, networks, self.ledger, stops, self.told, self.told, self.clock
            )
        )
        self.watch = DepositWatch(
            WatchParts(
                chain,
                deposits,
                Faulty(self.checkpoints, turns),
                addresses,
                networks,
                self.progress,
                self.clock,
            )
        )
        self.requests = WithdrawalRequests(
            RequestParts(
                withdrawals,
                networks,
                {CHAIN: self.mint},  # type: ignore[dict-item]
                addresses,
                self.books,
                self.pauses,
                stops,
                policies,
                self.fees,
                lambda _tenant, _asset, units: self.value(units),
                self.clock,
            )
        )
        self.decisions = WithdrawalDecisions(withdrawals, signings, self.clock)
        self.signer = Signer(
            SignerParts(
                withdrawals,
                signings,
                self.epochs,
                claims,
                networks,
                {CHAIN: self.mint},  # type: ignore[dict-item]
                lambda _tenant, _chain: HotWallet(HOT, "hot"),
                self.books,
                limits,
                policies,
                stops,
                lambda _tenant, _chain: {"hot": key},
                self.clock,
            )
        )
        self.repair = NonceRepair(
            RepairParts(chain, self.claim_books, claims, self.signer, signings, withdrawals)
        )
        self.payer = WithdrawalProgress(
            WithdrawalParts(
                chain,
                withdrawals,
                signings,
                networks,
                self.ledger,
                limits,
                stops,
                self.told,
                self.told,
                claims,
                self.signer,
                lambda _tenant, _chain: HotWallet(HOT, "hot"),
                lambda _tenant: (),
                lambda: self.epoch,
                self.clock,
            )
        )

    def value(self, units: int) -> int | None:
        """Return what an amount is worth: as many units of the reference currency."""
        return units

    # --- what workers do --------------------------------------------------------------------------

    def begin(self) -> None:
        self.repair.repair(TENANT, HotWallet(HOT, "hot"), self.chain.fee_quote(1))
        self.watch.look([TENANT])

    def look(self) -> None:
        self.watch.look([TENANT])

    def pay(self) -> None:
        for one in self.withdrawals.open(TENANT, CHAIN):
            try:
                self.payer(one)
            except BursaError:
                continue

    def mend(self) -> None:
        self.repair.repair(TENANT, HotWallet(HOT, "hot"), self.chain.fee_quote(1))

    def request(self, account: AccountId, key: str, address: str, units: int) -> None:
        requester = Requester(account, f"user{account.index}", 0, has_shown_factor=True)
        self.requests.request(requester, WithdrawalRequest(key, ASSET, CHAIN, address, units))
