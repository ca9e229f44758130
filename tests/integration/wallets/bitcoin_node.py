"""A bitcoind in regtest with a chain on it, and what tests do to it."""

import hashlib
from itertools import count
from typing import Any

from bursa.wallets.chains import bitcoin_scripts as scripts
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.bitcoin_builder import BitcoinBuilder
from bursa.wallets.chains.bitcoin_chain import BitcoinChain
from bursa.wallets.chains.bitcoin_network import REGTEST
from bursa.wallets.chains.json_rpc_https import JsonRpc
from bursa.wallets.chains.ports import (
    NATIVE,
    BitcoinPlan,
    Block,
    Outpoint,
    OutputsLane,
    Payment,
    RateFee,
    Signed,
    Transfer,
    Unspent,
)
from scripts.nodes.processes import RunningNode
from tests.doubles.wallet_keys import SoftwareKey

BTC = 100_000_000
RATE = RateFee(ChainUnits(5_000))
MATURE_BLOCKS = 101
ELSEWHERE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"  # of the examples of BIP 173


class BitcoinNode:
    """A node whose own wallet has rewards to spend, and mines on request."""

    def __init__(self, node: RunningNode) -> None:
        self.rpc = JsonRpc(node.url, node.user, node.password)
        self.call("createwallet", "miner")
        self.mining = self.call("getnewaddress")
        self.chain = BitcoinChain(REGTEST, self.rpc)
        self.builder = BitcoinBuilder(REGTEST)
        self._secrets = count(2_000)
        # A wallet that looks at each block makes them slow.
        self.call("unloadwallet", "miner")
        self.call("generatetoaddress", 20, self.mining)
        self.call("generatetoaddress", MATURE_BLOCKS, ELSEWHERE)
        self.call("loadwallet", "miner")

    def call(self, method: str, *params: Any) -> Any:
        return self.rpc.read(method, *params)

    def mine(self, blocks: int = 1) -> Block:
        self.call("generatetoaddress", blocks, self.mining)
        return self.chain.head()

    def mine_only(self, *transactions: str) -> Block:
        """Mine a block that holds these transactions (ids or raw) and no other."""
        self.call("generateblock", self.mining, list(transactions))
        return self.chain.head()

    def key(self) -> SoftwareKey:
        seed = f"bitcoin {next(self._secrets)}".encode()
        return SoftwareKey(hashlib.sha256(seed).digest())

    def address(self, key: SoftwareKey, cold: SoftwareKey | None = None) -> str:
        script = scripts.key_script(key.public_key)
        if cold is not None:
            script = scripts.hashed(scripts.either_key(key.public_key, cold.public_key))
        return scripts.address_of(script, REGTEST)

    def pay(self, amounts: dict[str, int], fee_rate: int = 5) -> str:
        """Pay by the node's own wallet; returns the transaction's id. Amounts in satoshi."""
        outputs = {to: f"{amount // BTC}.{amount % BTC:08d}" for to, amount in amounts.items()}
        sent: str = self.call("send", outputs, None, "unset", fee_rate)["txid"]
        return sent

    def fund(
        self, key: SoftwareKey, *amounts: int, cold: SoftwareKey | None = None
    ) -> tuple[Unspent, ...]:
        """Give a key mined outputs of these amounts."""
        address = self.address(key, cold)
        for amount in amounts:
            self.pay({address: amount})
        block = self.mine()
        return tuple(
            Unspent(
                Outpoint(one.id.transaction, int(one.id.position)),
                address,
                one.amount,
                block.height,
                "hot",
                key.public_key,
                b"" if cold is None else cold.public_key,
            )
            for one in self.received(block, address)
        )

    def received(self, block: Block, address: str) -> list[Transfer]:
        ours = frozenset({address})
        return list(self.chain.transfers(block, lambda paid: paid & ours))

    def waiting(self, address: str) -> list[Transfer]:
        ours = frozenset({address})
        return list(BitcoinChain(REGTEST, self.rpc).pending_transfers(lambda paid: paid & ours))

    def plan(
        self, unspent: tuple[Unspent, ...], change: str, *paid: tuple[str, int], rate: int = 5_000
    ) -> BitcoinPlan:
        payments = [
            Payment(f"payment-{number}", NATIVE, to, ChainUnits(amount))
            for number, (to, amount) in enumerate(paid)
        ]
        return self.builder.plan(payments, OutputsLane(unspent, change), RateFee(ChainUnits(rate)))

    def sign(self, key: SoftwareKey, plan: BitcoinPlan) -> Signed:
        requests = self.builder.build(plan).requests
        return self.builder.assemble(plan, [key.sign(one.digest) for one in requests])
