"""Two nodes of one network, compared before anything is believed.

Run by different operators they don't fail, lag or lie together. What is credited comes from what
both say of the same block; a payment is sent to both, and each may have it.
"""

from collections.abc import Sequence
from typing import Final

from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.ports import (
    NATIVE,
    Block,
    Broadcast,
    Chain,
    Claim,
    FeeQuote,
    NetworkName,
    NodeBehind,
    NodesDisagree,
    Nonces,
    Outpoint,
    Payment,
    Sent,
    State,
    Status,
    Transfer,
    Watched,
)

LAG_BLOCKS_MAX: Final = 3
# The first of these that one node says holds for both: a node that has it has it.
_BROADCASTS: Final = (Sent.ACCEPTED, Sent.ALREADY_KNOWN, Sent.UNKNOWN, Sent.REJECTED)
_MINED: Final = frozenset({State.SUCCEEDED, State.REVERTED})


def refuse_old(head: Block, now_ms: int, age_ms_max: int) -> None:
    """Raise `NodeBehind` if the newest block is too old: its nodes, or the network, stand still."""
    if now_ms - head.time_s * 1_000 > age_ms_max:
        raise NodeBehind(
            "node_behind", f"The newest block, {head.height}, is too old: look at the nodes."
        )


class ComparedChain:
    """Two nodes as one; see `ports.Chain`."""

    def __init__(self, first: Chain, second: Chain, lag_blocks_max: int = LAG_BLOCKS_MAX) -> None:
        if first.network != second.network:
            raise ValueError(f"{first.network} is not {second.network}")
        self._first = first
        self._second = second
        self._lag_blocks_max = lag_blocks_max

    @property
    def network(self) -> NetworkName:
        """Which network it is."""
        return self._first.network

    def check(self) -> None:
        """Check both."""
        self._first.check()
        self._second.check()

    def head(self) -> Block:
        """Return the newest block that both have.

        Raises
        ------
        NodeBehind
            One is more than some blocks behind the other.
        NodesDisagree
            They have different blocks at that height.

        """
        heads = (self._first.head(), self._second.head())
        lower = min(heads, key=lambda head: head.height)
        if max(head.height for head in heads) - lower.height > self._lag_blocks_max:
            raise NodeBehind(
                "node_behind", f"A node of {self.network} is behind at {lower.height}: look at it."
            )
        block = self.block_at(lower.height)
        if block is None:
            raise NodesDisagree(*self._disagreement(f"block {lower.height}"))
        return block

    def final_height(self) -> int | None:
        """Return the lower of the heights that both call final."""
        heights = (self._first.final_height(), self._second.final_height())
        known = [height for height in heights if height is not None]
        return min(known) if len(known) == len(heights) else None

    def block_at(self, height: int) -> Block | None:
        """Return the block at a height, if both have the same; None if one has none."""
        first, second = self._first.block_at(height), self._second.block_at(height)
        if first is None or second is None:
            return None
        if first != second:
            raise NodesDisagree(*self._disagreement(f"block {height}"))
        return first

    def block(self, block_hash: str) -> Block | None:
        """Return a block of the active chain of both."""
        first, second = self._first.block(block_hash), self._second.block(block_hash)
        return first if first == second else None

    def transfers(self, block: Block, watched: Watched) -> tuple[Transfer, ...]:
        """Return what a block brought; raises `NodesDisagree` unless both say the same."""
        first = self._first.transfers(block, watched)
        if _facts(first) != _facts(self._second.transfers(block, watched)):
            raise NodesDisagree(*self._disagreement(f"the transfers of block {block.height}"))
        return first

    def pending_transfers(self, watched: Watched) -> tuple[Transfer, ...]:
        """Return what waits at the first; nothing is credited by it."""
        return self._first.pending_transfers(watched)

    def balance(self, address: str, asset: str = NATIVE) -> ChainUnits:
        """Return the lower balance: what is surely there."""
        return min(self._first.balance(address, asset), self._second.balance(address, asset))

    def nonces(self, sender: str) -> Nonces:
        """Return the higher nonces: what is surely used."""
        first, second = self._first.nonces(sender), self._second.nonces(sender)
        return Nonces(max(first.mined, second.mined), max(first.pending, second.pending))

    def unspent(
        self, addresses: Sequence[str]
    ) -> tuple[tuple[Outpoint, str, ChainUnits, int], ...]:
        """Return what both say is unspent."""
        second = set(self._second.unspent(addresses))
        return tuple(one for one in self._first.unspent(addresses) if one in second)

    def gas_needed(self, sender: str, payment: Payment) -> int:
        """Return the larger limit."""
        return max(
            self._first.gas_needed(sender, payment), self._second.gas_needed(sender, payment)
        )

    def fee_quote(self, within_blocks: int) -> FeeQuote:
        """Return the first node's quote; a `Builder` refuses an absurd one."""
        return self._first.fee_quote(within_blocks)

    def broadcast(self, raw: bytes) -> Broadcast:
        """Send to both; REJECTED only if both reject it."""
        outcomes = (self._first.broadcast(raw), self._second.broadcast(raw))
        return min(outcomes, key=lambda outcome: _BROADCASTS.index(outcome.sent))

    def status(self, transaction: str, claim: Claim | None = None) -> Status:
        """Return what both say of a transaction, with the fewer confirmations.

        Raises
        ------
        NodeBehind
            Only one has it mined or replaced yet.
        NodesDisagree
            They have it in different blocks or with different results.

        """
        first = self._first.status(transaction, claim)
        second = self._second.status(transaction, claim)
        if first.state in _MINED and second.state in _MINED:
            if (first.state, first.block, first.fee) != (second.state, second.block, second.fee):
                raise NodesDisagree(*self._disagreement(f"transaction {transaction}"))
            return min(first, second, key=lambda status: status.confirmations)
        ends = {status.state for status in (first, second)} & {*_MINED, State.REPLACED}
        if ends and first.state is not second.state:
            raise NodeBehind(
                "node_behind", f"Only one node of {self.network} has {transaction}: wait."
            )
        return first if first.state is not State.UNKNOWN else second

    def _disagreement(self, what: str) -> tuple[str, str]:
        return "nodes_disagree", f"The nodes of {self.network} differ about {what}: wait, or look."


def _facts(transfers: tuple[Transfer, ...]) -> set[tuple[object, ...]]:
    return {(one.id, one.asset, one.destination, one.amount, one.block) for one in transfers}
