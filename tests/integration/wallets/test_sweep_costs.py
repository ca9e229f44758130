"""What sweeping costs, measured on the nodes: the figures of the decisions about it (docs/adr)."""

from typing import Any, NamedTuple

import eth_account
import pytest

from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.bitcoin_selection import vbytes
from bursa.wallets.chains.ports import RateFee, State
from tests.doubles.wallet_keys import SoftwareKey
from tests.integration.wallets import contracts
from tests.integration.wallets.bitcoin_node import BTC, BitcoinNode
from tests.integration.wallets.evm_node import (
    CHAIN_ID,
    ETH,
    GWEI,
    EvmNode,
    selector,
    words,
)

DELEGATED = "0xef0100"


class Sweep(NamedTuple):
    token: str
    sweeper: str
    treasury: str
    payer: SoftwareKey


@pytest.fixture
def sweep(evm: EvmNode) -> Sweep:
    treasury = evm.key().evm_address
    token = evm.deploy(contracts.TOKEN, 0)
    sweeper = evm.deploy(contracts.SWEEPER, int(treasury, 16), listed=False)
    evm.pay_token(token, treasury, 1)  # a treasury that has some already, as it always will
    return Sweep(token, sweeper, treasury, evm.key(5))


def deposits(evm: EvmNode, sweep: Sweep, how_many: int) -> list[SoftwareKey]:
    keys = [evm.key() for _ in range(how_many)]
    for key in keys:
        evm.pay_token(sweep.token, key.evm_address, 1_000)
    evm.mine()
    return keys


def authorize(key: SoftwareKey, sweeper: str, nonce: int = 0) -> Any:
    return eth_account.Account.sign_authorization(
        {"chainId": CHAIN_ID, "address": sweeper, "nonce": nonce}, key.private.secret
    )


def send(evm: EvmNode, sweep: Sweep, to: str, data: bytes, authorizations: list[Any]) -> int:
    """Send by the payer, with authorizations (EIP-7702) if there are; return the gas used."""
    transaction = {
        "chainId": CHAIN_ID,
        "nonce": evm.chain().nonces(sweep.payer.evm_address).pending,
        "maxFeePerGas": 20 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "gas": 2_000_000,
        "to": to,
        "value": 0,
        "data": data,
        "type": 4 if authorizations else 2,
    }
    if authorizations:
        transaction["authorizationList"] = authorizations
    signed = eth_account.Account.sign_transaction(transaction, sweep.payer.private.secret)
    evm.chain().broadcast(bytes(signed.raw_transaction))
    evm.mine()
    receipt = evm.call("eth_getTransactionReceipt", "0x" + bytes(signed.hash).hex())
    assert receipt["status"] == "0x1"
    return int(receipt["gasUsed"], 16)


def call(token: str) -> bytes:
    return selector("sweep(address)") + words(token)


def call_all(token: str, keys: list[SoftwareKey]) -> bytes:
    owners = [key.evm_address for key in keys]
    return selector("sweep_all(address,address[])") + words(token, 64, len(owners), *owners)


def test_a_delegated_address_is_swept_without_ether_of_its_own(evm: EvmNode, sweep: Sweep) -> None:
    (key,) = deposits(evm, sweep, 1)
    first = send(evm, sweep, key.evm_address, call(sweep.token), [authorize(key, sweep.sweeper)])
    assert evm.call("eth_getCode", key.evm_address, "latest") == (
        DELEGATED + sweep.sweeper[2:].lower()
    )
    assert evm.chain().balance(sweep.treasury, sweep.token) == 1_001
    evm.pay_token(sweep.token, key.evm_address, 1_000)
    evm.mine()
    again = send(evm, sweep, key.evm_address, call(sweep.token), [])
    assert evm.chain().balance(sweep.treasury, sweep.token) == 2_001
    assert 50_000 < first < 53_000
    assert 33_500 < again < 36_000


def test_anybody_may_sweep_and_only_to_the_treasury(evm: EvmNode, sweep: Sweep) -> None:
    (key,) = deposits(evm, sweep, 1)
    send(evm, sweep, key.evm_address, b"", [authorize(key, sweep.sweeper)])
    evm.send(key.evm_address, data=call(sweep.token))
    evm.mine()
    assert evm.chain().balance(sweep.treasury, sweep.token) == 1_001


def test_a_stale_authorization_is_skipped(evm: EvmNode, sweep: Sweep) -> None:
    (key,) = deposits(evm, sweep, 1)
    send(evm, sweep, key.evm_address, call(sweep.token), [authorize(key, sweep.sweeper, 5)])
    assert evm.call("eth_getCode", key.evm_address, "latest") == "0x"
    assert evm.chain().balance(key.evm_address, sweep.token) == 1_000


def test_ten_addresses_are_swept_in_one_transaction(evm: EvmNode, sweep: Sweep) -> None:
    keys = deposits(evm, sweep, 10)
    authorizations = [authorize(key, sweep.sweeper) for key in keys]
    first = send(evm, sweep, sweep.sweeper, call_all(sweep.token, keys), authorizations)
    assert evm.chain().balance(sweep.treasury, sweep.token) == 10_001
    for key in keys:
        evm.pay_token(sweep.token, key.evm_address, 1_000)
    evm.mine()
    again = send(evm, sweep, sweep.sweeper, call_all(sweep.token, keys), [])
    assert 29_500 < first // 10 < 31_000
    assert 11_500 < again // 10 < 13_000


def test_a_top_up_and_a_transfer(evm: EvmNode, sweep: Sweep) -> None:
    (key,) = deposits(evm, sweep, 1)
    evm.call("anvil_setBalance", key.evm_address, "0x0")
    top_up = evm.sign(sweep.payer, evm.plan(sweep.payer, key.evm_address, ETH // 100))
    evm.chain().broadcast(top_up.raw)
    evm.mine()
    plan = evm.plan(key, sweep.treasury, 1_000, sweep.token)
    signed = evm.sign(key, plan)
    evm.chain().broadcast(signed.raw)
    evm.mine()
    assert evm.chain().status(signed.transaction).state is State.SUCCEEDED
    used = [
        int(evm.call("eth_getTransactionReceipt", one.transaction)["gasUsed"], 16)
        for one in (top_up, signed)
    ]
    left = evm.chain().balance(key.evm_address)
    assert used[0] == 21_000
    assert 30_500 < used[1] < 32_500
    assert left > 0  # what the gas did not cost stays there


def test_senders_with_the_least_gas_cannot_pay_a_delegated_address(
    evm: EvmNode, sweep: Sweep
) -> None:
    """Therefore addresses for the native asset are never delegated."""
    (key,) = deposits(evm, sweep, 1)
    send(evm, sweep, key.evm_address, b"", [authorize(key, sweep.sweeper)])
    payment = {"from": evm.rich, "to": key.evm_address, "value": "0x1"}
    needed = int(evm.call("eth_estimateGas", payment), 16)
    assert needed > 21_000


def test_outputs_of_two_keys_weigh_more(bitcoin: BitcoinNode) -> None:
    hot, cold = bitcoin.key(), bitcoin.key()
    one = bitcoin.fund(hot, BTC)
    either = bitcoin.fund(hot, BTC, cold=cold)
    sizes = []
    for unspent in (one, either):
        plan = bitcoin.builder.sweep(unspent, bitcoin.mining, RateFee(ChainUnits(5_000)))
        signed = bitcoin.sign(hot, plan)
        bitcoin.chain.broadcast(signed.raw)
        told = bitcoin.call("getrawtransaction", signed.transaction, 1)
        assert plan.vbytes - 1 <= told["vsize"] <= plan.vbytes
        sizes.append(told["vsize"])
    scripts = [b"\0" * 22]
    each = [
        vbytes(unspent * 10, scripts) - vbytes(unspent * 9, scripts) for unspent in (one, either)
    ]
    assert sizes[1] - sizes[0] in {9, 10}
    assert each == [68, 77]
