"""What wallets ask of a chain, and what it answers. One shape for EVM and Bitcoin.

Two ports. A `Chain` talks to nodes: it reads and broadcasts. A `Builder` is pure: the same plan
gives the same digests and, with the same signatures, the same bytes, wherever it runs. So the
watcher and the withdrawals use both, and the signer needs a `Builder` alone.

The way of a payment: payments and what they use up (a `Lane`: a nonce, or unspent outputs) and
a `FeeQuote` become a `Plan` (`Builder.plan`); the signer makes its `Unsigned` (`Builder.build`) and
signs each digest; `Builder.assemble` makes the raw bytes and the transaction's id, which are stored
before `Chain.broadcast`. EVM signatures differ each time, so only stored bytes are sent again.

Addresses are in the one form that `Builder.address` returns: EVM by EIP-55, Bitcoin in lower case
where it is bech32. Times are the blocks' own; nothing here reads a clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol

from bursa.kernel.errors import InternalError, Refused, Unavailable
from bursa.wallets.chains.amounts import ChainUnits

NetworkName = NewType("NetworkName", str)
"""A chain by configuration: ``ethereum``, ``sepolia``, ``bitcoin``, ``bitcoin-regtest``."""

NATIVE = "native"
"""The asset in which a chain takes its fees; every other one is a token's contract address."""

Watched = Callable[[frozenset[str]], frozenset[str]]
"""Asked with all addresses that a block pays, it returns those among them that are watched."""


class WrongChain(InternalError):  # noqa: N818 - as in `bursa.kernel.errors`
    """``wrong_chain``: a node follows another chain than configured. Stop; a person must look."""


class NodeBehind(Unavailable):
    """``node_behind``: a node lags behind the others or has no such block yet. No progress."""


class NodesDisagree(Unavailable):
    """``nodes_disagree``: two nodes say different things of one block. Credit nothing from it."""


class NodeUnavailable(Unavailable):
    """``node_unavailable``: no answer in time, or a fault of the node. Ask again later."""


class PaymentRefused(Refused):
    """A payment that must not be made so; nothing was signed.

    ``dust_output``, ``absurd_fee``, ``funds_short``, ``not_replaceable``, ``would_revert``,
    ``too_many_payments``, ``destination_refused``, ``signature_refused``.
    """


# --- blocks and transfers -------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A block of the active chain at the time of asking."""

    height: int
    hash: str
    parent_hash: str
    time_s: int


@dataclass(frozen=True)
class TransferId:
    """What names a transfer for good, also when its transaction is mined in another block.

    Attributes
    ----------
    position
        Bitcoin: the output's index. EVM: ``log-<n>``, the n-th event of the transaction, or
        ``call``, ``call-0``, ``call-0-2``: the transaction itself or a call inside it.

    """

    network: NetworkName
    transaction: str
    position: str

    @property
    def text(self) -> str:
        """The id as it is stored; parts hold no colon."""
        return f"{self.network}:{self.transaction}:{self.position}"


@dataclass(frozen=True)
class Transfer:
    """Something that came to a watched address, in a block or (Bitcoin only) before one.

    Attributes
    ----------
    asset
        `NATIVE`, or the address of a listed token's contract.
    amount
        What arrived. For a token, what its event says and not what was asked.
    sources
        Who sent, for screening: an EVM address, or the addresses of a Bitcoin transaction's inputs
        as far as known.
    block
        None while it waits in the mempool.
    is_coinbase
        A miner's reward, which can't be spent for a hundred blocks.
    claim
        What the transaction uses up, for `Chain.status`; None where that is not known.

    """

    id: TransferId
    asset: str
    destination: str
    amount: ChainUnits
    sources: tuple[str, ...]
    block: Block | None
    is_coinbase: bool = False
    claim: "Claim | None" = None


# --- what transactions use up ---------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Outpoint:
    """An output of a Bitcoin transaction."""

    transaction: str
    index: int


@dataclass(frozen=True)
class Unspent:
    """An output that can be spent. ``key`` names what signs for it, see `Request`.

    ``cold_public_key`` is that of the second key of a 1-of-2 output; empty for P2WPKH.
    """

    outpoint: Outpoint
    address: str
    amount: ChainUnits
    height: int | None
    key: str
    public_key: bytes
    cold_public_key: bytes = b""
    is_coinbase: bool = False


@dataclass(frozen=True)
class NonceClaim:
    """A nonce of an EVM sender."""

    sender: str
    nonce: int


@dataclass(frozen=True)
class OutputsClaim:
    """Outputs of earlier Bitcoin transactions."""

    outpoints: tuple[Outpoint, ...]


Claim = NonceClaim | OutputsClaim


@dataclass(frozen=True)
class NonceLane:
    """The nonce that a payment is to have. ``key`` names what signs for the sender."""

    sender: str
    nonce: int
    key: str


@dataclass(frozen=True)
class OutputsLane:
    """Unspent outputs to choose from, none of them locked, and where change goes."""

    available: tuple[Unspent, ...]
    change_address: str


Lane = NonceLane | OutputsLane


@dataclass(frozen=True)
class Nonces:
    """Of a sender: how many are mined, and the next one as a node's mempool sees it."""

    mined: int
    pending: int


# --- payments -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Payment:
    """An intent: an amount of an asset to a destination. ``id`` is the caller's own."""

    id: str
    asset: str
    destination: str
    amount: ChainUnits


@dataclass(frozen=True)
class GasFee:
    """EIP-1559: what a unit of gas costs at most, and of that the tip, in wei."""

    max_fee_per_gas: ChainUnits
    max_priority_fee_per_gas: ChainUnits


@dataclass(frozen=True)
class RateFee:
    """Satoshi per thousand virtual bytes (integers: 1 sat/vB is 1,000)."""

    sat_per_kvb: ChainUnits


FeeQuote = GasFee | RateFee


@dataclass(frozen=True)
class EvmPlan:
    """All that an EVM transaction says, but its signature. ``payments`` has one entry."""

    network: NetworkName
    payments: tuple[Payment, ...]
    lane: NonceLane
    fee: GasFee
    gas_limit: int

    @property
    def fee_max(self) -> ChainUnits:
        """What it may cost at most, in wei."""
        return ChainUnits(self.gas_limit * self.fee.max_fee_per_gas)

    @property
    def claim(self) -> Claim:
        """What it uses up."""
        return NonceClaim(self.lane.sender, self.lane.nonce)


@dataclass(frozen=True)
class BitcoinPlan:
    """All that a Bitcoin transaction says, but its signatures. Change comes last; 0 is none."""

    network: NetworkName
    payments: tuple[Payment, ...]
    inputs: tuple[Unspent, ...]
    change_address: str
    change: ChainUnits
    fee: RateFee
    vbytes: int

    @property
    def fee_max(self) -> ChainUnits:
        """What it costs, in satoshi."""
        paid = sum(payment.amount for payment in self.payments) + self.change
        return ChainUnits(sum(one.amount for one in self.inputs) - paid)

    @property
    def claim(self) -> Claim:
        """What it uses up; lock these before signing."""
        return OutputsClaim(tuple(one.outpoint for one in self.inputs))


Plan = EvmPlan | BitcoinPlan


@dataclass(frozen=True)
class Request:
    """A digest that a key is to sign: ``hot``, or the path of a deposit address's key."""

    key: str
    digest: bytes
    public_key: bytes = b""


@dataclass(frozen=True)
class Unsigned:
    """A transaction without signatures: its bytes, and the digests to sign, in order."""

    raw: bytes
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class Signature:
    """A low-s ECDSA signature on secp256k1, and the parity by which its key is recovered."""

    r: int
    s: int
    recovery: int


@dataclass(frozen=True)
class Signed:
    """A transaction as it is broadcast. Store it before; send the same bytes ever after."""

    transaction: str
    raw: bytes


class Builder(Protocol):
    """Makes transactions of one network. Pure: no node, no key, no clock."""

    @property
    def network(self) -> NetworkName:
        """Which network it builds for."""

    def address(self, text: str) -> str:
        """Return a destination in its one form; raises `InvalidInput` with a reason's code."""

    def plan(
        self, payments: Sequence[Payment], lane: Lane, fee: FeeQuote, gas_limit: int = 0
    ) -> Plan:
        """Choose what a transaction says; raises `PaymentRefused` and as `address` does.

        ``gas_limit`` is for EVM alone: what `Chain.gas_needed` returned.
        """

    def replacement(self, plan: Plan, fee: FeeQuote) -> Plan:
        """Return a plan for the same payments and claim that replaces the first in mempools.

        The fee is raised to what nodes demand of a replacement where the quote is lower.
        Raises `PaymentRefused` ``absurd_fee`` or ``not_replaceable``.
        """

    def cancellation(self, plan: Plan, fee: FeeQuote) -> Plan:
        """Return a plan that uses up the same claim and pays nobody, to close a gap of nonces."""

    def build(self, plan: Plan) -> Unsigned:
        """Return the transaction and its digests; checks all of the plan again, as `plan` does."""

    def assemble(self, plan: Plan, signatures: Sequence[Signature]) -> Signed:
        """Return the bytes to broadcast; raises `PaymentRefused` ``signature_refused``.

        Each signature is verified against the key that must have made it.
        """


# --- what became of a transaction -----------------------------------------------------------------


class Sent(StrEnum):
    """What a node said to a broadcast. Only REJECTED says that it does not have it."""

    ACCEPTED = "accepted"
    ALREADY_KNOWN = "already_known"
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # no answer in time: look by `Chain.status` before anything else


class Rejection(StrEnum):
    """Why a node rejected a broadcast."""

    NONCE_USED = "nonce_used"  # another transaction, or this very one: look by `Chain.status`
    UNDERPRICED = "underpriced"
    FUNDS_SHORT = "funds_short"
    FEE_TOO_HIGH = "fee_too_high"
    FEE_TOO_LOW = "fee_too_low"
    INPUTS_SPENT = "inputs_spent"
    OTHER = "other"


@dataclass(frozen=True)
class Broadcast:
    """What became of a broadcast; ``detail`` is the node's own text."""

    sent: Sent
    rejection: Rejection | None = None
    detail: str = ""


class State(StrEnum):
    """Where a transaction is, on the active chain at the moment of asking."""

    UNKNOWN = "unknown"  # neither the chain nor this node's mempool has it
    PENDING = "pending"  # in the mempool
    SUCCEEDED = "succeeded"
    REVERTED = "reverted"  # mined, its fee paid, its payment not made (EVM)
    REPLACED = "replaced"  # another one, mined some blocks ago (EVM), uses up its claim


@dataclass(frozen=True)
class Status:
    """What became of a transaction. Block, confirmations and fee are there once it is mined.

    ``confirmations`` counts the block itself: 1 is in the newest block. ``fee`` is what was paid,
    in the chain's native units.
    """

    state: State
    block: Block | None = None
    confirmations: int = 0
    fee: ChainUnits | None = None


class Chain(Protocol):
    """A network's nodes. All raise `NodeUnavailable`, `NodeBehind`, and `WrongChain`."""

    @property
    def network(self) -> NetworkName:
        """Which network it is."""

    def check(self) -> None:
        """Raise `WrongChain` if a node follows another one, `NodeBehind` if it still syncs."""

    def head(self) -> Block:
        """Return the newest block."""

    def final_height(self) -> int | None:
        """Return the height that the chain itself calls final; None where it calls none so."""

    def block_at(self, height: int) -> Block | None:
        """Return the active chain's block at a height; None above the head."""

    def block(self, block_hash: str) -> Block | None:
        """Return a block of the active chain; None for one that is unknown or was replaced."""

    def transfers(self, block: Block, watched: Watched) -> tuple[Transfer, ...]:
        """Return what a block brought to watched addresses, in its order.

        Failed transactions, amounts of zero, and tokens that are not listed are left out.
        Raises `NodeBehind` if the block is no longer part of the active chain.
        """

    def pending_transfers(self, watched: Watched) -> tuple[Transfer, ...]:
        """Return what waits in the mempool; always empty for EVM."""

    def balance(self, address: str, asset: str = NATIVE) -> ChainUnits:
        """Return what an address holds at the head, unconfirmed transactions not counted."""

    def nonces(self, sender: str) -> Nonces:
        """Return a sender's nonces; raises `TypeError` for Bitcoin."""

    def unspent(
        self, addresses: Sequence[str]
    ) -> tuple[tuple[Outpoint, str, ChainUnits, int], ...]:
        """Return outpoint, address, amount and height of mined unspent outputs; () for EVM."""

    def gas_needed(self, sender: str, payment: Payment) -> int:
        """Return a gas limit; raises `PaymentRefused` ``would_revert``; 0 for Bitcoin."""

    def fee_quote(self, within_blocks: int) -> FeeQuote:
        """Return what it takes to be mined within some blocks."""

    def broadcast(self, raw: bytes) -> Broadcast:
        """Send a transaction; safe to repeat with the same bytes. Never raises for a time-out."""

    def status(self, transaction: str, claim: Claim | None = None) -> Status:
        """Return what became of one; REPLACED can only be seen with its claim."""
