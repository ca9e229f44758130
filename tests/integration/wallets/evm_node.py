"""An anvil with a chain on it, and what tests do to it."""

from itertools import count
from typing import Any

from bursa.wallets.chains import evm_encoding as evm
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.evm_builder import EvmBuilder
from bursa.wallets.chains.evm_chain import EvmChain
from bursa.wallets.chains.evm_network import EvmNetwork, Traces
from bursa.wallets.chains.json_rpc_https import JsonRpc
from bursa.wallets.chains.ports import (
    NATIVE,
    Block,
    EvmPlan,
    GasFee,
    NetworkName,
    NonceLane,
    Payment,
    Signed,
    Transfer,
)
from scripts.nodes.processes import RunningNode
from tests.doubles.wallet_keys import SoftwareKey

CHAIN_ID = 31337
ETH = 10**18
GWEI = 10**9
FEE = GasFee(ChainUnits(20 * GWEI), ChainUnits(2 * GWEI))


class EvmNode:
    """A node whose blocks are made on request; the first of its accounts pays for everything."""

    def __init__(self, node: RunningNode) -> None:
        self.rpc = JsonRpc(node.url)
        self.tokens: set[str] = set()
        self.rich = evm.parse_address(self.call("eth_accounts")[0])
        self._secrets = count(1_000)

    def call(self, method: str, *params: Any) -> Any:
        return self.rpc.read(method, *params)

    def network(self, traces: Traces = Traces.DEBUG, **changes: Any) -> EvmNetwork:
        return EvmNetwork(
            NetworkName("anvil"), CHAIN_ID, frozenset(self.tokens), traces=traces, **changes
        )

    def chain(self, traces: Traces = Traces.DEBUG) -> EvmChain:
        return EvmChain(self.network(traces), self.rpc)

    def builder(self, **changes: Any) -> EvmBuilder:
        return EvmBuilder(self.network(**changes))

    def key(self, ether: int = 0) -> SoftwareKey:
        """Return a new key whose address has so much ether."""
        key = SoftwareKey(next(self._secrets).to_bytes(32, "big"))
        self.call("anvil_setBalance", key.evm_address, hex(ether * ETH))
        return key

    def mine(self) -> Block:
        self.call("evm_mine")
        return self.chain().head()

    def mine_several(self) -> None:
        """Mine until a nonce that is used now was used some blocks ago."""
        self.call("anvil_mine", hex(self.network().replaced_after_blocks))

    def deploy(self, code: bytes, *arguments: int, listed: bool = True) -> str:
        data = code + b"".join(one.to_bytes(32, "big") for one in arguments)
        sent = self.call(
            "eth_sendTransaction", {"from": self.rich, "data": "0x" + data.hex(), "gas": "0x200000"}
        )
        self.mine()
        receipt = self.call("eth_getTransactionReceipt", sent)
        assert receipt["status"] == "0x1"
        address = evm.parse_address(receipt["contractAddress"])
        if listed:
            self.tokens.add(address)
        return address

    def send(self, to: str, value: int = 0, data: bytes = b"", sender: str = "") -> str:
        """Send by the rich account, without trying it first; returns the transaction's id."""
        call = {
            "from": sender or self.rich,
            "to": to,
            "value": hex(value),
            "data": "0x" + data.hex(),
            "gas": "0x80000",
        }
        sent: str = self.call("eth_sendTransaction", call)
        return sent

    def pay_token(self, token: str, to: str, amount: int, sender: str = "") -> str:
        return self.send(token, data=evm.transfer_call(to, amount), sender=sender)

    def received(self, block: Block, address: str, traces: Traces = Traces.DEBUG) -> list[Transfer]:
        ours = frozenset({address})
        return list(self.chain(traces).transfers(block, lambda paid: paid & ours))

    def plan(
        self, key: SoftwareKey, to: str, amount: int, asset: str = NATIVE, nonce: int | None = None
    ) -> EvmPlan:
        payment = Payment("payment", asset, to, ChainUnits(amount))
        if nonce is None:
            nonce = self.chain().nonces(key.evm_address).pending
        gas = self.chain().gas_needed(key.evm_address, payment)
        lane = NonceLane(key.evm_address, nonce, "hot")
        return self.builder().plan([payment], lane, FEE, gas)

    def sign(self, key: SoftwareKey, plan: EvmPlan) -> Signed:
        requests = self.builder().build(plan).requests
        return self.builder().assemble(plan, [key.sign(one.digest) for one in requests])


def selector(signature: str) -> bytes:
    return evm.keccak_256(signature.encode())[:4]


def words(*values: int | str) -> bytes:
    """Return values as an ABI writes them: 32 bytes each; texts are addresses."""
    return b"".join(
        (value if isinstance(value, int) else int(value, 16)).to_bytes(32, "big")
        for value in values
    )


def pay_call(*receivers: str, fail: bool = False) -> bytes:
    """Return a call of the payer that shares its value among some receivers."""
    head = words(64, int(fail), len(receivers), *receivers)
    return selector("pay(address[],bool)") + head


def try_pay_call(payer: str, *receivers: str) -> bytes:
    """Return a call of a payer that has another one pay, which fails inside and is caught."""
    return selector("try_pay(address,address[])") + words(payer, 64, len(receivers), *receivers)


def forge_call(receiver: str, amount: int) -> bytes:
    """Return a call of the payer that writes a token's event of its own."""
    return selector("forge(address,uint256)") + words(receiver, amount)
