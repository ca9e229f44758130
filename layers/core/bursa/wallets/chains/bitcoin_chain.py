"""A Bitcoin network as one of its nodes tells it (Bitcoin Core's interface, with txindex=1).

Confirmations are those of a transaction's block on the active chain: of a lost transaction a node
still names the replaced block. Amounts are written with a point, and are read exactly.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final

from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.bitcoin_broadcast import IN_CHAIN, meaning
from bursa.wallets.chains.bitcoin_network import SAT_PER_BTC, BitcoinNetwork
from bursa.wallets.chains.bitcoin_transfers import received
from bursa.wallets.chains.ports import (
    NATIVE,
    Block,
    Broadcast,
    Claim,
    NetworkName,
    NodeBehind,
    NodeUnavailable,
    Nonces,
    Outpoint,
    OutputsClaim,
    Payment,
    RateFee,
    Rejection,
    Sent,
    State,
    Status,
    Transfer,
    Watched,
    WrongChain,
)
from bursa.wallets.chains.rpc import Json, Rpc, RpcFault

_NOT_FOUND: Final = -5
_OUT_OF_RANGE: Final = -8
_HEADERS_AHEAD_MAX: Final = 1
_WITH_SPENT_OUTPUTS: Final = 3
_WITH_MEMPOOL, _MINED_ONLY = True, False


def satoshi(amount: Json) -> ChainUnits:
    """Return a node's amount of bitcoin in satoshi; raises ValueError for a fraction of one."""
    exact = Decimal(amount) * SAT_PER_BTC
    if exact != int(exact):
        raise ValueError(f"{amount} is not a whole number of satoshi")
    return ChainUnits(int(exact))


class BitcoinChain:
    """One node of a Bitcoin network; see `ports.Chain`."""

    def __init__(self, network: BitcoinNetwork, rpc: Rpc) -> None:
        self._network = network
        self._rpc = rpc
        self._seen: dict[str, tuple[Transfer, ...]] = {}

    @property
    def network(self) -> NetworkName:
        """Which network it is."""
        return self._network.name

    def check(self) -> None:
        """Raise `WrongChain` for a node of another network, `NodeBehind` for one that syncs."""
        with self._responses():
            told = self._rpc.read("getblockchaininfo")
            genesis = self._rpc.read("getblockhash", 0)
            if told["chain"] != self._network.chain or genesis != self._network.genesis:
                raise WrongChain(
                    "wrong_chain",
                    f"A node of {self._network.name} is on {told['chain']}, first block {genesis}: "
                    "correct its address.",
                )
            behind = told["headers"] - told["blocks"] > _HEADERS_AHEAD_MAX
            if behind or told["initialblockdownload"]:
                raise self._behind()

    def head(self) -> Block:
        """Return the newest block, after a `check`."""
        self.check()
        with self._responses():
            block = self.block(self._rpc.read("getbestblockhash"))
        if block is None:
            raise self._behind()
        return block

    def final_height(self) -> int | None:
        """Return None: blocks only become less likely to be replaced."""
        return None

    def block_at(self, height: int) -> Block | None:
        """Return the block at a height."""
        with self._responses():
            block_hash = self._found("getblockhash", height)
        return None if block_hash is None else self.block(block_hash)

    def block(self, block_hash: str) -> Block | None:
        """Return a block of the active chain."""
        with self._responses():
            header = self._found("getblockheader", block_hash)
            if header is None or header["confirmations"] < 1:
                return None
            return _block(header)

    def transfers(self, block: Block, watched: Watched) -> tuple[Transfer, ...]:
        """Return the outputs of a block that pay watched addresses."""
        with self._responses():
            full = self._found("getblock", block.hash, _WITH_SPENT_OUTPUTS)
            if full is None or full["confirmations"] < 1:
                raise self._behind()
            found = received(self._network, full["tx"], block, watched)
        if self.block(block.hash) is None:
            raise self._behind()
        return found

    def pending_transfers(self, watched: Watched) -> tuple[Transfer, ...]:
        """Return the outputs of the mempool that pay watched addresses.

        A transaction is asked for once in the life of this object.
        """
        with self._responses():
            waiting = self._rpc.read("getrawmempool")
            self._seen = {one: self._seen[one] for one in waiting if one in self._seen}
            for one in waiting:
                if one in self._seen:
                    continue
                transaction = self._found("getrawtransaction", one, 2)
                if transaction is not None:
                    self._seen[one] = received(self._network, [transaction], None, watched)
        return tuple(transfer for one in waiting for transfer in self._seen.get(one, ()))

    def balance(self, address: str, asset: str = NATIVE) -> ChainUnits:
        """Return what an address holds in mined outputs; scans all of them, see `unspent`."""
        if asset != NATIVE:
            return ChainUnits(0)
        return ChainUnits(sum(amount for _, _, amount, _ in self.unspent([address])))

    def nonces(self, sender: str) -> Nonces:
        """Raise TypeError: Bitcoin has outputs, no nonces."""
        raise TypeError(f"{sender} has no nonces")

    def unspent(
        self, addresses: Sequence[str]
    ) -> tuple[tuple[Outpoint, str, ChainUnits, int], ...]:
        """Return the mined unspent outputs of addresses.

        A node scans all there are for it: a second on a small network, minutes on the largest.
        """
        with self._responses():
            told = self._rpc.read("scantxoutset", "start", [f"addr({one})" for one in addresses])
            return tuple(
                (
                    Outpoint(one["txid"], one["vout"]),
                    one["desc"].partition("(")[2].partition(")")[0],
                    satoshi(one["amount"]),
                    one["height"],
                )
                for one in told["unspents"]
            )

    def is_unspent(self, outpoint: Outpoint) -> bool:
        """Return whether a mined output is unspent, also by what waits in the mempool."""
        with self._responses():
            told = self._rpc.read("gettxout", outpoint.transaction, outpoint.index, _WITH_MEMPOOL)
            return told is not None and told["confirmations"] > 0

    def gas_needed(self, sender: str, payment: Payment) -> int:
        """Return 0: what a transaction needs, its size says."""
        _ = sender, payment
        return 0

    def fee_quote(self, within_blocks: int) -> RateFee:
        """Return the node's estimate, and no less than what it relays."""
        with self._responses():
            estimate = self._rpc.read("estimatesmartfee", max(2, within_blocks))
            floor = satoshi(self._rpc.read("getmempoolinfo")["mempoolminfee"])
            rate = estimate.get("feerate")
            known = self._network.rate_unknown if rate is None else satoshi(rate)
        return RateFee(ChainUnits(max(known, floor, self._network.rate_min)))

    def broadcast(self, raw: bytes) -> Broadcast:
        """Try a transaction against the node's rules, then send it once."""
        cap = f"{Decimal(self._network.rate_max) / SAT_PER_BTC:f}"
        try:
            (tried,) = self._rpc.read("testmempoolaccept", [raw.hex()], cap)
            if not tried["allowed"]:
                return self._refused(tried["txid"], tried.get("reject-reason", ""))
            self._rpc.send("sendrawtransaction", raw.hex(), cap)
        except NodeUnavailable:
            return Broadcast(Sent.UNKNOWN, detail="no answer")
        except RpcFault as fault:
            if fault.code == IN_CHAIN:
                return Broadcast(Sent.ALREADY_KNOWN, detail=fault.message)
            return meaning(fault.message)
        except (KeyError, TypeError, ValueError):
            return Broadcast(Sent.UNKNOWN, detail="an answer in another form")
        return Broadcast(Sent.ACCEPTED)

    def status(self, transaction: str, claim: Claim | None = None) -> Status:
        """Return what became of a transaction."""
        # Before the transaction is looked for: what it spends itself is no sign of another one.
        spent = isinstance(claim, OutputsClaim) and any(map(self._is_spent, claim.outpoints))
        with self._responses():
            told = self._found("getrawtransaction", transaction, 2)
            if told is None:
                return self._gone(spent=spent)
            if "blockhash" in told:
                header = self._rpc.read("getblockheader", told["blockhash"])
                if header["confirmations"] > 0:
                    fee = satoshi(told["fee"]) if "fee" in told else None
                    return Status(State.SUCCEEDED, _block(header), header["confirmations"], fee)
            if self._found("getmempoolentry", transaction) is not None:
                return Status(State.PENDING)
        return self._gone(spent=spent)

    def _gone(self, *, spent: bool) -> Status:
        """Return what a transaction is that is nowhere.

        A node without a whole index of transactions does not find one that is mined, and whoever
        takes that for replaced pays twice.
        """
        if not spent:
            return Status(State.UNKNOWN)
        with self._responses():
            index = self._rpc.read("getindexinfo", "txindex").get("txindex", {})
            if not index.get("synced"):
                raise NodeUnavailable(
                    "node_unavailable",
                    f"Start the nodes of {self._network.name} with txindex=1, and wait for it.",
                )
        return Status(State.REPLACED)

    def _is_spent(self, outpoint: Outpoint) -> bool:
        """Return whether a mined transaction spends an output of another mined one."""
        with self._responses():
            if (
                self._rpc.read("gettxout", outpoint.transaction, outpoint.index, _MINED_ONLY)
                is not None
            ):
                return False
            told = self._found("getrawtransaction", outpoint.transaction, 1)
            return told is not None and self.block(told.get("blockhash", "")) is not None

    def _refused(self, transaction: str, reason: str) -> Broadcast:
        """Return what a reason means; inputs may be spent by this very transaction."""
        outcome = meaning(reason)
        if outcome.rejection is not Rejection.INPUTS_SPENT:
            return outcome
        state = self.status(transaction).state
        known = state in {State.SUCCEEDED, State.PENDING}
        return Broadcast(Sent.ALREADY_KNOWN, detail=reason) if known else outcome

    def _found(self, method: str, *params: Json) -> Json:
        """Return the result, or None where the node says that there is no such thing."""
        try:
            return self._rpc.read(method, *params)
        except RpcFault as fault:
            if fault.code in {_NOT_FOUND, _OUT_OF_RANGE}:
                return None
            raise

    def _behind(self) -> NodeBehind:
        return NodeBehind("node_behind", f"A node of {self._network.name} is behind: wait.")

    @contextmanager
    def _responses(self) -> Iterator[None]:
        """Take a fault, and a form that is not Bitcoin's, for no answer."""
        try:
            yield
        except RpcFault as fault:
            raise NodeUnavailable(
                "node_unavailable", f"A node of {self._network.name} answers {fault}."
            ) from fault
        except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
            raise NodeUnavailable(
                "node_unavailable", f"A node of {self._network.name} answers in another form."
            ) from error


def _block(header: Json) -> Block:
    return Block(
        header["height"],
        header["hash"],
        header.get("previousblockhash", "0" * 64),
        header["time"],
    )
