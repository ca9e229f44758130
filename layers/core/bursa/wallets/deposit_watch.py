"""The watcher of one chain: what its blocks brought, and what they no longer have.

One look reads new blocks from the checkpoint on, and writes what they brought before it moves the
checkpoint; a look that ends anywhere is continued by the next one, and two at once write the same.
A block whose parent is not the last one read means a reorganisation: the look goes back to the
last block that is still of the active chain. What became of the deposits themselves is
`bursa.wallets.deposit_progress`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, Protocol

from bursa.kernel.clock import WallClock
from bursa.kernel.errors import Conflict, InternalError
from bursa.kernel.identifiers import AccountId, TenantId
from bursa.wallets.chains.ports import Block, Chain, Transfer
from bursa.wallets.deposits import BlockPlace, Deposit, Deposits, counted, found_in
from bursa.wallets.networks import Networks

# So deep a reorganisation is found by itself; a deeper one takes a person.
BLOCKS_KEPT: Final = 128
# So many blocks in one look: a watcher that was away for long works in steps.
BLOCKS_A_LOOK: Final = 50


@dataclass(frozen=True, slots=True)
class WatchCheckpoint:
    """Up to which block a chain was read, with the last blocks, the newest at the end."""

    chain: str
    blocks: tuple[BlockPlace, ...] = ()
    version: int = 0

    @property
    def height(self) -> int:
        """The height of the last block read; -1 for none."""
        return self.blocks[-1].height if self.blocks else -1


class WatchCheckpoints(Protocol):
    """The checkpoints; each method raises `Unavailable` ``wallets_unavailable``."""

    def find(self, chain: str) -> WatchCheckpoint | None:
        """Return how far a chain was read; None when it was not."""

    def save(self, checkpoint: WatchCheckpoint) -> WatchCheckpoint:
        """Keep it on condition of its version; raises `Conflict` ``record_changed``."""


class DepositAddresses(Protocol):
    """The deposit addresses of all tenants."""

    def watched(self, chain: str, addresses: frozenset[str]) -> frozenset[str]:
        """Return those that are somebody's. Raises `Unavailable`."""

    def owner(self, chain: str, address: str) -> AccountId | None:
        """Return whose an address is; None for nobody's. Raises `Unavailable`."""


class WatchParts(NamedTuple):
    """What a watcher works with.

    Attributes
    ----------
    progress
        Takes an open deposit on its way (`bursa.wallets.deposit_progress`).

    """

    chain: Chain
    deposits: Deposits
    checkpoints: WatchCheckpoints
    addresses: DepositAddresses
    networks: Networks
    progress: Callable[[Deposit], object]
    clock: WallClock


class DepositWatch:
    """Reads one chain."""

    def __init__(self, parts: WatchParts) -> None:
        self._parts = parts
        self._chain = parts.chain

    def look(self, tenants: Sequence[TenantId]) -> WatchCheckpoint:
        """Read new blocks, and take the open deposits of tenants on their way.

        Raises
        ------
        WrongChain, NodeBehind, NodesDisagree, NodeUnavailable
            A node is not to be believed, or not there; nothing is credited from it.
        InternalError
            ``reorganisation_too_deep``
        Unavailable
            What was read so far is kept.

        """
        self._chain.check()
        checkpoint = self._read()
        for transfer in self._chain.pending_transfers(self._watched):
            self._note(transfer)
        for tenant in tenants:
            for deposit in self._parts.deposits.open(tenant, self._chain.network):
                try:
                    self._parts.progress(deposit)
                except Conflict:
                    # Another watcher was first: the next look sees what it did.
                    continue
        return checkpoint

    def _read(self) -> WatchCheckpoint:
        head = self._chain.head()
        checkpoint = self._parts.checkpoints.find(self._chain.network)
        if checkpoint is None:
            # What came before an exchange listens to a chain is not its own.
            begin = BlockPlace(head.height, head.hash)
            return self._keep(WatchCheckpoint(self._chain.network, (begin,)))
        checkpoint = self._without_replaced(checkpoint)
        end = min(head.height, checkpoint.height + BLOCKS_A_LOOK)
        for height in range(checkpoint.height + 1, end + 1):
            block = self._chain.block_at(height)
            if block is None or block.parent_hash != checkpoint.blocks[-1].hash:
                break
            for transfer in self._chain.transfers(block, self._watched):
                self._note(transfer)
            checkpoint = self._keep(_with(checkpoint, block))
        return checkpoint

    def _without_replaced(self, checkpoint: WatchCheckpoint) -> WatchCheckpoint:
        blocks = list(checkpoint.blocks)
        while blocks:
            found = self._chain.block_at(blocks[-1].height)
            if found is not None and found.hash == blocks[-1].hash:
                return replace(checkpoint, blocks=tuple(blocks))
            blocks.pop()
        raise InternalError(
            "reorganisation_too_deep",
            f"{self._chain.network} has replaced more than {BLOCKS_KEPT} blocks: look at it "
            "before any deposit is credited.",
        )

    def _keep(self, checkpoint: WatchCheckpoint) -> WatchCheckpoint:
        return self._parts.checkpoints.save(checkpoint)

    def _watched(self, addresses: frozenset[str]) -> frozenset[str]:
        return self._parts.addresses.watched(self._chain.network, addresses)

    def _note(self, transfer: Transfer) -> None:
        """Write what came, or where it is now; raises `Conflict` only if that changes meanwhile."""
        account = self._parts.addresses.owner(self._chain.network, transfer.destination)
        if account is None:
            return
        network = self._parts.networks.of_token(account.tenant, self._chain.network, transfer.asset)
        if network is None or transfer.amount <= 0:
            return
        found = self._parts.deposits.find(account, transfer.id)
        if found is None:
            units, reason = counted(network, transfer.amount)
            found = Deposit(
                transfer.id,
                account,
                network.asset,
                transfer.destination,
                transfer.amount,
                units,
                self._parts.clock.now_ms(),
                sources=transfer.sources,
                claim=transfer.claim,
                is_coinbase=transfer.is_coinbase,
                reason=reason,
            )
        elif transfer.block is None:
            return
        changed = found_in(found, transfer, network)
        if changed != found or not found.version:
            self._parts.deposits.save(changed)


def _with(checkpoint: WatchCheckpoint, block: Block) -> WatchCheckpoint:
    blocks = (*checkpoint.blocks, BlockPlace(block.height, block.hash))
    return replace(checkpoint, blocks=blocks[-BLOCKS_KEPT:])
