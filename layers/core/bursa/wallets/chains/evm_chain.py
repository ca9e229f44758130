"""An EVM network as one of its nodes tells it.

Everything of a block is asked for by its hash, and a block counts only while the node has it at its
height. What a node says in a form that is not Ethereum's is taken for no answer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from bursa.wallets.chains import evm_encoding as evm
from bursa.wallets.chains import evm_transfers
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.evm_broadcast import rejection
from bursa.wallets.chains.evm_builder import PLAIN_GAS
from bursa.wallets.chains.evm_network import EvmNetwork
from bursa.wallets.chains.ports import (
    NATIVE,
    Block,
    Broadcast,
    Claim,
    GasFee,
    NetworkName,
    NodeBehind,
    NodeUnavailable,
    NonceClaim,
    Nonces,
    Outpoint,
    Payment,
    PaymentRefused,
    Sent,
    State,
    Status,
    Transfer,
    Watched,
    WrongChain,
)
from bursa.wallets.chains.rpc import Json, Rpc, RpcFault

# What an estimate of a token's call is raised by: the state may be another one when it is mined.
_GAS_MARGIN_PERCENT: Final = 125
_HISTORY_BLOCKS: Final = 20
# (within so many blocks, percentile of the tips that recent blocks took)
_PERCENTILES: Final = ((1, 75), (5, 50), (1 << 30, 25))
# A base fee rises by an eighth a block at most; twice as much outlasts five full blocks.
_BASE_FEE_FACTOR: Final = 2
_BALANCE_OF: Final = "0x70a08231"
_TRUE: Final = 1
_HASHES, _TRANSACTIONS = False, True  # what a block is to hold of its transactions
_WOULD_FAIL: Final = ("revert", "insufficient funds", "out of gas", "invalid opcode")


class EvmChain:
    """One node of an EVM network; see `ports.Chain`."""

    def __init__(self, network: EvmNetwork, rpc: Rpc) -> None:
        self._network = network
        self._rpc = rpc

    @property
    def network(self) -> NetworkName:
        """Which network it is."""
        return self._network.name

    def check(self) -> None:
        """Raise `WrongChain` for a node of another chain id, `NodeBehind` for one that syncs."""
        with self._responses():
            chain_id = int(self._rpc.read("eth_chainId"), 16)
            if chain_id != self._network.chain_id:
                raise WrongChain(
                    "wrong_chain",
                    f"A node of {self._network.name} is on chain {chain_id}, not "
                    f"{self._network.chain_id}: correct its address.",
                )
            if self._rpc.read("eth_syncing"):
                raise self._behind()

    def head(self) -> Block:
        """Return the newest block, after a `check`."""
        self.check()
        head = self._block("latest")
        if head is None:
            raise self._behind()
        return head

    def final_height(self) -> int | None:
        """Return the height of the block that the network calls final."""
        if not self._network.final_tag:
            return None
        block = self._block(self._network.final_tag)
        return None if block is None else block.height

    def block_at(self, height: int) -> Block | None:
        """Return the block at a height."""
        return self._block(hex(height))

    def block(self, block_hash: str) -> Block | None:
        """Return a block of the active chain."""
        with self._responses():
            found = _block(self._rpc.read("eth_getBlockByHash", block_hash, _HASHES))
        if found is None or self._block(hex(found.height)) != found:
            return None
        return found

    def transfers(self, block: Block, watched: Watched) -> tuple[Transfer, ...]:
        """Return what a block brought, tokens by their events and native value by traces."""
        with self._responses():
            full = self._rpc.read("eth_getBlockByHash", block.hash, _TRANSACTIONS)
            if full is None:
                raise self._behind()
            found = evm_transfers.found(self._rpc, self._network, full, watched)
        if self.block(block.hash) is None:
            raise self._behind()
        return tuple(evm_transfers.transfer(self._network, block, one) for one in found)

    def pending_transfers(self, watched: Watched) -> tuple[Transfer, ...]:
        """Return nothing: what waits in a mempool is not believed."""
        _ = watched
        return ()

    def balance(self, address: str, asset: str = NATIVE) -> ChainUnits:
        """Return what an address holds of the native asset or of a token."""
        with self._responses():
            if asset == NATIVE:
                return ChainUnits(int(self._rpc.read("eth_getBalance", address, "latest"), 16))
            data = _BALANCE_OF + address[2:].lower().rjust(64, "0")
            return ChainUnits(
                int(self._rpc.read("eth_call", {"to": asset, "data": data}, "latest"), 16)
            )

    def nonces(self, sender: str) -> Nonces:
        """Return a sender's nonces."""
        with self._responses():
            mined = int(self._rpc.read("eth_getTransactionCount", sender, "latest"), 16)
            pending = int(self._rpc.read("eth_getTransactionCount", sender, "pending"), 16)
        return Nonces(mined, max(mined, pending))

    def unspent(
        self, addresses: Sequence[str]
    ) -> tuple[tuple[Outpoint, str, ChainUnits, int], ...]:
        """Return nothing: accounts have balances, not outputs."""
        _ = addresses
        return ()

    def gas_needed(self, sender: str, payment: Payment) -> int:
        """Return a gas limit, after the payment was tried against the node's newest state.

        Raises
        ------
        PaymentRefused
            ``would_revert``: it fails there, or its token answers that it did not pay.

        """
        call: dict[str, str] = {"from": sender, "to": payment.destination}
        if payment.asset == NATIVE:
            call["value"] = hex(payment.amount)
        else:
            data = evm.transfer_call(payment.destination, payment.amount)
            call |= {"to": payment.asset, "data": "0x" + data.hex()}
        with self._responses():
            try:
                said = self._rpc.read("eth_call", call, "latest")
                gas = int(self._rpc.read("eth_estimateGas", call, "latest"), 16)
            except RpcFault as fault:
                if not any(words in fault.message.lower() for words in _WOULD_FAIL):
                    raise
                raise PaymentRefused("would_revert", f"It would fail: {fault.message}") from fault
            # Some tokens return nothing; one that returns something must return true.
            if payment.asset != NATIVE and said != "0x" and int(said, 16) != _TRUE:
                raise PaymentRefused("would_revert", "The token answers that it would not pay.")
        return gas if gas == PLAIN_GAS else gas * _GAS_MARGIN_PERCENT // 100

    def fee_quote(self, within_blocks: int) -> GasFee:
        """Return a tip that recent blocks took, and a fee that lasts while base fees rise."""
        percentile = next(share for most, share in _PERCENTILES if within_blocks <= most)
        with self._responses():
            history = self._rpc.read("eth_feeHistory", hex(_HISTORY_BLOCKS), "latest", [percentile])
            base = int(history["baseFeePerGas"][-1], 16)
            tips = sorted(int(one[0], 16) for one in history["reward"] or ())
        tip = max(tips[len(tips) // 2] if tips else 0, self._network.tip_min)
        return GasFee(ChainUnits(base * _BASE_FEE_FACTOR + tip), ChainUnits(tip))

    def broadcast(self, raw: bytes) -> Broadcast:
        """Send a transaction once."""
        transaction = "0x" + evm.keccak_256(raw).hex()
        try:
            self._rpc.send("eth_sendRawTransaction", "0x" + raw.hex())
        except NodeUnavailable:
            return Broadcast(Sent.UNKNOWN, detail="no answer")
        except RpcFault as fault:
            outcome = rejection(fault)
        else:
            return Broadcast(Sent.ACCEPTED)
        # A nonce may be used by this very transaction.
        return Broadcast(Sent.ALREADY_KNOWN) if self._has(transaction) else outcome

    def status(self, transaction: str, claim: Claim | None = None) -> Status:
        """Return what became of a transaction."""
        # Before the receipt: if the nonce was used by this transaction, the receipt is there.
        used = isinstance(claim, NonceClaim) and self._used_before(claim)
        with self._responses():
            receipt = self._rpc.read("eth_getTransactionReceipt", transaction)
            if receipt is not None:
                return self._mined_status(receipt)
            if self._rpc.read("eth_getTransactionByHash", transaction) is not None:
                return Status(State.PENDING)
        return Status(State.REPLACED if used else State.UNKNOWN)

    def _used_before(self, claim: NonceClaim) -> bool:
        """Return whether a nonce was used some blocks ago, so that every node knows by whom."""
        with self._responses():
            head = int(self._rpc.read("eth_blockNumber"), 16)
            then = head - self._network.replaced_after_blocks
            if then < 0:
                return False
            count = self._rpc.read("eth_getTransactionCount", claim.sender, hex(then))
            return int(count, 16) > claim.nonce

    def _mined_status(self, receipt: Json) -> Status:
        block = self.block(receipt["blockHash"])
        if block is None:
            return Status(State.UNKNOWN)
        fee = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        fee += int(receipt.get("l1Fee") or "0x0", 16)  # what rollups of the OP kind add
        return Status(
            State.SUCCEEDED if int(receipt["status"], 16) == 1 else State.REVERTED,
            block,
            max(1, self.head().height - block.height + 1),
            ChainUnits(fee),
        )

    def _has(self, transaction: str) -> bool:
        try:
            return self.status(transaction).state is not State.UNKNOWN
        except (NodeUnavailable, NodeBehind):
            return False

    def _block(self, which: str) -> Block | None:
        with self._responses():
            return _block(self._rpc.read("eth_getBlockByNumber", which, _HASHES))

    def _behind(self) -> NodeBehind:
        return NodeBehind("node_behind", f"A node of {self._network.name} is behind: wait.")

    @contextmanager
    def _responses(self) -> Iterator[None]:
        """Take a fault, and a form that is not Ethereum's, for no answer."""
        try:
            yield
        except RpcFault as fault:
            raise NodeUnavailable(
                "node_unavailable", f"A node of {self._network.name} answers {fault}."
            ) from fault
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise NodeUnavailable(
                "node_unavailable", f"A node of {self._network.name} answers in another form."
            ) from error


def _block(found: Json) -> Block | None:
    if found is None:
        return None
    return Block(
        int(found["number"], 16),
        found["hash"],
        found["parentHash"],
        int(found["timestamp"], 16),
    )
