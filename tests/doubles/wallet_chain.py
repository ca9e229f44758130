"""A chain in memory, with nonces, a mempool, reorganisations and reverted transactions.

It checks what it mines as nodes do: the next nonce of a sender, and enough of its asset for amount
and fee. `Mint` is its builder: signatures differ each time, as those of real keys do, and with
them the id of the transaction.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from random import Random
from typing import Any

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import (
    NATIVE,
    Block,
    Broadcast,
    EvmPlan,
    GasFee,
    NetworkName,
    NodeBehind,
    NonceClaim,
    NonceLane,
    Nonces,
    Payment,
    Rejection,
    Request,
    Sent,
    Signature,
    Signed,
    State,
    Status,
    Transfer,
    TransferId,
    Unsigned,
    Watched,
)

CHAIN = NetworkName("simnet")
GAS_PRICE = 10 * 10**9
GAS = 21_000


@dataclass(frozen=True)
class Transaction:
    id: str
    sender: str
    nonce: int
    outputs: tuple[tuple[str, int], ...]
    fee: int
    reverts: bool = False
    payment: str = ""


class Mint:
    """The builder: pure, but that it remembers what raw bytes mean."""

    network = CHAIN

    def __init__(self) -> None:
        self.made: dict[bytes, tuple[str, EvmPlan]] = {}

    def address(self, text: str) -> str:
        if not text.startswith("0x"):
            raise InvalidInput("invalid_address", "Send an address of this chain.")
        return text.lower()

    def plan(
        self, payments: Sequence[Payment], lane: NonceLane, fee: GasFee, gas_limit: int = 0
    ) -> EvmPlan:
        return EvmPlan(CHAIN, tuple(payments), lane, fee, gas_limit)

    def cancellation(self, plan: EvmPlan, fee: GasFee) -> EvmPlan:
        return EvmPlan(CHAIN, (), plan.lane, fee, GAS)

    def replacement(self, plan: EvmPlan, fee: GasFee) -> EvmPlan:
        raise NotImplementedError

    def build(self, plan: EvmPlan) -> Unsigned:
        raw = json.dumps(asdict(plan), sort_keys=True).encode()
        return Unsigned(raw, (Request(plan.lane.key, sha256(raw).digest()),))

    def assemble(self, plan: EvmPlan, signatures: Sequence[Signature]) -> Signed:
        unsigned = self.build(plan)
        raw = unsigned.raw + b"".join(str(one.s).encode() for one in signatures)
        transaction = sha256(raw).hexdigest()
        self.made[raw] = (transaction, plan)
        return Signed(transaction, raw)


@dataclass
class Key:
    """A key whose signatures differ each time; it remembers which digests it has signed."""

    digests: list[bytes] = field(default_factory=list)

    public_key = b""

    def sign(self, digest: bytes) -> Signature:
        self.digests.append(digest)
        return Signature(1, len(self.digests), 0)


@dataclass
class MemoryChain:
    mint: Mint
    random: Random = field(default_factory=lambda: Random(0))
    funded: dict[str, int] = field(default_factory=dict)
    revert_one_in: int = 0
    network: NetworkName = CHAIN

    def __post_init__(self) -> None:
        self.made_blocks = 0
        self.blocks: list[tuple[Block, tuple[Transaction, ...]]] = []
        self.mempool: dict[str, Transaction] = {}
        self.sent: dict[str, set[str]] = defaultdict(set)
        # What its node says of a broadcast instead, and whether it takes it all the same.
        self.says: Broadcast | None = None
        self.takes = False
        self.mine()

    # --- what happens to it -----------------------------------------------------------------------

    def pay(self, sender: str, *outputs: tuple[str, int]) -> str:
        """Put a payment from outside into the mempool; its sender has enough for it."""
        nonce = self._mined(sender) + sum(one.sender == sender for one in self.mempool.values())
        name = sha256(f"{sender}/{nonce}/{outputs}".encode()).hexdigest()
        self.funded[sender] = self.funded.get(sender, 0) + sum(amount for _, amount in outputs)
        self.mempool[name] = Transaction(name, sender, nonce, outputs, fee=0)
        return name

    def mine(self, leave_out: Callable[[Transaction], bool] = lambda _: False) -> Block:
        """Add a block with what the mempool has and may be mined now."""
        mined: list[Transaction] = []
        for one in sorted(self.mempool.values(), key=lambda one: one.nonce):
            spent = one.fee + sum(amount for _, amount in one.outputs)
            nonce = self._mined(one.sender) + sum(each.sender == one.sender for each in mined)
            balance = self._balance(one.sender, [*self._transactions(), *mined])
            if leave_out(one) or one.nonce != nonce or balance < spent:
                continue
            mined.append(one)
        for one in mined:
            del self.mempool[one.id]
        for one in list(self.mempool.values()):
            if any((o.sender, o.nonce) == (one.sender, one.nonce) for o in mined):
                del self.mempool[one.id]
        self.made_blocks += 1
        height = len(self.blocks)
        parent = self.blocks[-1][0].hash if self.blocks else "none"
        block = Block(height, f"block-{self.made_blocks}", parent, self.made_blocks)
        self.blocks.append((block, tuple(mined)))
        return block

    def reorganise(self, depth: int, lose: Callable[[Transaction], bool] = lambda _: False) -> None:
        """Replace the last blocks by empty ones; what was in them waits again, or is lost."""
        depth = min(depth, len(self.blocks) - 1)
        for _ in range(depth):
            _, transactions = self.blocks.pop()
            for one in transactions:
                if not lose(one):
                    self.mempool[one.id] = one
        for _ in range(depth + 1):
            self.mine(leave_out=lambda _: True)

    # --- what it is asked -------------------------------------------------------------------------

    def check(self) -> None:
        return

    def head(self) -> Block:
        return self.blocks[-1][0]

    def final_height(self) -> int | None:
        return None

    def block_at(self, height: int) -> Block | None:
        return self.blocks[height][0] if 0 <= height < len(self.blocks) else None

    def block(self, block_hash: str) -> Block | None:
        return next((one for one, _ in self.blocks if one.hash == block_hash), None)

    def transfers(self, block: Block, watched: Watched) -> tuple[Transfer, ...]:
        if self.block_at(block.height) != block:
            raise NodeBehind("node_behind", "Ask again later.")
        found = [
            self._transfer(one, position, block)
            for one in self.blocks[block.height][1]
            if not one.reverts
            for position in range(len(one.outputs))
        ]
        mine = watched(frozenset(one.destination for one in found))
        return tuple(one for one in found if one.destination in mine and one.amount)

    def pending_transfers(self, watched: Watched) -> tuple[Transfer, ...]:
        found = [
            self._transfer(one, position, None)
            for one in self.mempool.values()
            for position in range(len(one.outputs))
        ]
        mine = watched(frozenset(one.destination for one in found))
        return tuple(one for one in found if one.destination in mine and one.amount)

    def balance(self, address: str, asset: str = NATIVE) -> ChainUnits:
        return ChainUnits(self._balance(address, self._transactions()))

    def nonces(self, sender: str) -> Nonces:
        waiting = sum(one.sender == sender for one in self.mempool.values())
        return Nonces(self._mined(sender), self._mined(sender) + waiting)

    def unspent(self, _addresses: Sequence[str]) -> tuple[Any, ...]:
        return ()

    def gas_needed(self, _sender: str, _payment: Payment) -> int:
        return GAS

    def fee_quote(self, _within_blocks: int) -> GasFee:
        return GasFee(ChainUnits(GAS_PRICE), ChainUnits(10**9))

    def broadcast(self, raw: bytes) -> Broadcast:
        taken = self._take(raw) if self.says is None or self.takes else None
        return self.says or taken or Broadcast(Sent.UNKNOWN)

    def _take(self, raw: bytes) -> Broadcast:
        name, plan = self.mint.made[raw]
        if plan.payments:
            self.sent[plan.payments[0].id].add(name)
        if name in self.mempool or any(one.id == name for one in self._transactions()):
            return Broadcast(Sent.ALREADY_KNOWN)
        if plan.lane.nonce < self._mined(plan.lane.sender):
            return Broadcast(Sent.REJECTED, Rejection.NONCE_USED)
        outputs = tuple((one.destination, one.amount) for one in plan.payments)
        payment = plan.payments[0].id if plan.payments else ""
        reverts = (
            bool(self.revert_one_in and outputs)
            and int(name[:8], 16) % (self.revert_one_in or 1) == 0
        )
        self.mempool[name] = Transaction(
            name, plan.lane.sender, plan.lane.nonce, outputs, GAS * GAS_PRICE, reverts, payment
        )
        return Broadcast(Sent.ACCEPTED)

    def status(self, transaction: str, claim: object = None) -> Status:
        for block, transactions in self.blocks:
            for one in transactions:
                deep = len(self.blocks) - block.height
                if one.id == transaction:
                    state = State.REVERTED if one.reverts else State.SUCCEEDED
                    return Status(state, block, deep, ChainUnits(one.fee))
                if claim == NonceClaim(one.sender, one.nonce):
                    return Status(State.REPLACED, block, deep, ChainUnits(one.fee))
        return Status(State.PENDING if transaction in self.mempool else State.UNKNOWN)

    # --- what follows from its blocks -------------------------------------------------------------

    def paid(self, payment: str) -> int:
        """Return how often a payment was made on the active chain."""
        return sum(one.payment == payment and not one.reverts for one in self._transactions())

    def _transactions(self) -> list[Transaction]:
        return [one for _, transactions in self.blocks for one in transactions]

    def _mined(self, sender: str) -> int:
        return sum(one.sender == sender for one in self._transactions())

    def _balance(self, address: str, transactions: Sequence[Transaction]) -> int:
        units = self.funded.get(address, 0)
        for one in transactions:
            amounts = () if one.reverts else one.outputs
            units += sum(amount for to, amount in amounts if to == address)
            if one.sender == address:
                units -= one.fee + sum(amount for _, amount in amounts)
        return units

    def _transfer(self, one: Transaction, position: int, block: Block | None) -> Transfer:
        destination, amount = one.outputs[position]
        return Transfer(
            TransferId(CHAIN, one.id, f"log-{position}"),
            NATIVE,
            destination,
            ChainUnits(amount),
            (one.sender,),
            block,
            claim=NonceClaim(one.sender, one.nonce),
        )
