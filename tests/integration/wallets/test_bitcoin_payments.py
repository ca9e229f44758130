"""Payments on Bitcoin, signed here and mined by a real node (bitcoind, regtest)."""

from dataclasses import replace

import pytest
from embit.ec import PrivateKey
from embit.networks import NETWORKS

from bursa.wallets.chains import bitcoin_scripts as scripts
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.bitcoin_chain import BitcoinChain, satoshi
from bursa.wallets.chains.bitcoin_network import REGTEST
from bursa.wallets.chains.json_rpc_https import JsonRpc
from bursa.wallets.chains.ports import (
    BitcoinPlan,
    Outpoint,
    PaymentRefused,
    RateFee,
    Rejection,
    Sent,
    State,
    Unspent,
)
from scripts.nodes.processes import free_port
from tests.doubles.wallet_keys import SoftwareKey
from tests.integration.wallets.bitcoin_node import BTC, BitcoinNode


def rate(sat_per_kvb: int) -> RateFee:
    return RateFee(ChainUnits(sat_per_kvb))


def test_several_payments_are_one_transaction(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    unspent = bitcoin.fund(key, BTC, BTC // 2)
    paid = [(bitcoin.call("getnewaddress", "", kind), 40_000_000) for kind in ("bech32", "bech32m")]
    paid += [(bitcoin.call("getnewaddress", "", kind), 1_000) for kind in ("legacy", "p2sh-segwit")]
    plan = bitcoin.plan(unspent, bitcoin.address(key), *paid)
    signed = bitcoin.sign(key, plan)
    assert bitcoin.chain.broadcast(signed.raw).sent is Sent.ACCEPTED
    bitcoin.mine()
    status = bitcoin.chain.status(signed.transaction, plan.claim)
    assert (status.state, status.confirmations, status.fee) == (State.SUCCEEDED, 1, plan.fee_max)
    told = bitcoin.call("getrawtransaction", signed.transaction, 1)
    assert plan.vbytes - 1 <= told["vsize"] <= plan.vbytes
    assert [satoshi(one["value"]) for one in told["vout"]] == [
        *(amount for _, amount in paid),
        plan.change,
    ]


@pytest.mark.parametrize("spender", ["hot", "cold"])
def test_either_key_spends_an_output_of_two(bitcoin: BitcoinNode, spender: str) -> None:
    hot, cold = bitcoin.key(), bitcoin.key()
    unspent = bitcoin.fund(hot, BTC, cold=cold)
    if spender == "cold":  # who has the cold key needs nothing of the exchange
        plan = bitcoin.builder.sweep(unspent, bitcoin.mining, rate(5_000))
        digests = bitcoin.builder.build(plan).requests
        with pytest.raises(PaymentRefused):
            bitcoin.builder.assemble(plan, [cold.sign(one.digest) for one in digests])
        descriptor = f"wsh(multi(1,{hot.public_key.hex()},{cold.public_key.hex()}))"
        told = bitcoin.call("getdescriptorinfo", descriptor)
        assert bitcoin.call("deriveaddresses", told["descriptor"]) == [unspent[0].address]
        spend_with_cold_key(bitcoin, unspent[0], cold, plan)
        return
    plan = bitcoin.builder.sweep(unspent, bitcoin.mining, rate(5_000))
    signed = bitcoin.sign(hot, plan)
    assert bitcoin.chain.broadcast(signed.raw).sent is Sent.ACCEPTED
    told = bitcoin.call("getrawtransaction", signed.transaction, 1)
    assert plan.vbytes - 1 <= told["vsize"] <= plan.vbytes


def spend_with_cold_key(
    bitcoin: BitcoinNode, spent: Unspent, cold: SoftwareKey, plan: BitcoinPlan
) -> None:
    """Have the node sign with the cold key alone, and take what it has signed."""
    script = scripts.either_key(spent.public_key, cold.public_key)
    output = {
        "txid": spent.outpoint.transaction,
        "vout": spent.outpoint.index,
        "scriptPubKey": scripts.hashed(script).hex(),
        "witnessScript": script.hex(),
        "amount": f"{spent.amount // BTC}.{spent.amount % BTC:08d}",
    }
    raw = bitcoin.builder.build(plan).raw.hex()
    secret = PrivateKey(cold.private.secret).wif(NETWORKS["regtest"])
    signed = bitcoin.call("signrawtransactionwithkey", raw, [secret], [output])
    assert signed["complete"]
    sent = bitcoin.call("sendrawtransaction", signed["hex"])
    bitcoin.mine()
    assert bitcoin.call("getrawtransaction", sent, 1)["confirmations"] == 1


def test_the_same_bytes_again_are_known(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    plan = bitcoin.plan(bitcoin.fund(key, BTC), bitcoin.address(key), (bitcoin.mining, 10_000))
    first, second = bitcoin.sign(key, plan), bitcoin.sign(key, plan)
    assert first == second
    assert bitcoin.chain.broadcast(first.raw).sent is Sent.ACCEPTED
    assert bitcoin.chain.broadcast(first.raw).sent is Sent.ALREADY_KNOWN
    bitcoin.mine()
    assert bitcoin.chain.broadcast(first.raw).sent is Sent.ALREADY_KNOWN
    # When its outputs are spent the node no longer knows them; its index of transactions does.
    change = unspent_of(first.transaction, 1, bitcoin, key, plan.change)
    bitcoin.chain.broadcast(
        bitcoin.sign(key, bitcoin.builder.sweep((change,), bitcoin.mining, rate(5_000))).raw
    )
    bitcoin.mine()
    assert bitcoin.chain.broadcast(first.raw).sent is Sent.ALREADY_KNOWN


def unspent_of(
    transaction: str, index: int, bitcoin: BitcoinNode, key: object, amount: int
) -> Unspent:
    public_key = key.public_key  # type: ignore[attr-defined]
    script = scripts.key_script(public_key)
    return Unspent(
        Outpoint(transaction, index),
        scripts.address_of(script, REGTEST),
        ChainUnits(amount),
        None,
        "hot",
        public_key,
    )


def test_a_stuck_payment_is_replaced_with_the_same_inputs(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    to = bitcoin.address(bitcoin.key())
    plan = bitcoin.plan(bitcoin.fund(key, BTC), bitcoin.address(key), (to, BTC // 2), rate=1_000)
    first = bitcoin.sign(key, plan)
    bitcoin.chain.broadcast(first.raw)
    barely = replace(plan, change=ChainUnits(plan.change - 1))
    outcome = bitcoin.chain.broadcast(bitcoin.sign(key, barely).raw)
    assert (outcome.sent, outcome.rejection) == (Sent.REJECTED, Rejection.UNDERPRICED)
    raised = bitcoin.builder.replacement(plan, rate(1_000))  # the least that a node takes
    assert raised.payments == plan.payments
    assert raised.claim == plan.claim
    second = bitcoin.sign(key, raised)
    assert bitcoin.chain.broadcast(second.raw).sent is Sent.ACCEPTED
    bitcoin.mine()
    assert bitcoin.chain.status(second.transaction, plan.claim).state is State.SUCCEEDED
    assert bitcoin.chain.status(first.transaction, plan.claim).state is State.REPLACED
    assert bitcoin.chain.balance(to) == BTC // 2


def test_a_child_pays_for_its_parent(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    unspent = bitcoin.fund(key, BTC)
    plan = bitcoin.plan(unspent, bitcoin.address(key), (bitcoin.mining, 10_000), rate=1_000)
    parent = bitcoin.sign(key, plan)
    bitcoin.chain.broadcast(parent.raw)
    output = unspent_of(parent.transaction, 1, bitcoin, key, plan.change)
    child = bitcoin.builder.child(plan, output, bitcoin.mining, rate(20_000))
    signed = bitcoin.sign(key, child)
    assert bitcoin.chain.broadcast(signed.raw).sent is Sent.ACCEPTED
    told = bitcoin.call("getmempoolentry", signed.transaction)
    together = satoshi(told["fees"]["ancestor"])
    assert together * 1_000 >= 20_000 * told["ancestorsize"]
    bitcoin.mine()
    assert bitcoin.chain.status(parent.transaction).state is State.SUCCEEDED


def test_change_below_dust_goes_to_the_fee(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    plan = bitcoin.plan(bitcoin.fund(key, 20_000), bitcoin.address(key), (bitcoin.mining, 19_200))
    assert plan.change == 0
    assert plan.fee_max == 800
    signed = bitcoin.sign(key, plan)
    assert bitcoin.chain.broadcast(signed.raw).sent is Sent.ACCEPTED
    with pytest.raises(PaymentRefused) as refused:  # nothing is left to raise the fee with
        bitcoin.builder.replacement(plan, rate(9_000))
    assert refused.value.code == "not_replaceable"


@pytest.mark.parametrize(
    ("kind", "least"), [("bech32", 294), ("bech32m", 330), ("p2sh-segwit", 540), ("legacy", 546)]
)
def test_the_least_that_the_node_relays_is_the_least_that_is_sent(
    bitcoin: BitcoinNode, kind: str, least: int
) -> None:
    key = bitcoin.key()
    unspent = bitcoin.fund(key, BTC)
    to = bitcoin.call("getnewaddress", "", kind)
    with pytest.raises(PaymentRefused) as refused:
        bitcoin.plan(unspent, bitcoin.address(key), (to, least - 1))
    assert refused.value.code == "dust_output"
    signed = bitcoin.sign(key, bitcoin.plan(unspent, bitcoin.address(key), (to, least)))
    assert bitcoin.chain.broadcast(signed.raw).sent is Sent.ACCEPTED


def test_an_absurd_fee_is_refused_before_it_is_signed_and_by_the_node(
    bitcoin: BitcoinNode,
) -> None:
    key = bitcoin.key()
    unspent = bitcoin.fund(key, BTC)
    with pytest.raises(PaymentRefused) as refused:
        bitcoin.plan(unspent, bitcoin.address(key), (bitcoin.mining, 10_000), rate=1_000_001)
    assert refused.value.code == "absurd_fee"
    plan = bitcoin.plan(unspent, bitcoin.address(key), (bitcoin.mining, 10_000), rate=500_000)
    careful = BitcoinChain(replace(REGTEST, rate_max=ChainUnits(100_000)), bitcoin.rpc)
    outcome = careful.broadcast(bitcoin.sign(key, plan).raw)
    assert (outcome.sent, outcome.rejection) == (Sent.REJECTED, Rejection.FEE_TOO_HIGH)


def test_too_small_a_fee_is_rejected(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    plan = bitcoin.plan(bitcoin.fund(key, BTC), bitcoin.address(key), (bitcoin.mining, 10_000))
    assert bitcoin.chain.fee_quote(2).sat_per_kvb >= 1_000
    with pytest.raises(PaymentRefused):
        bitcoin.builder.build(replace(plan, change=ChainUnits(plan.change + plan.fee_max - 100)))


def test_without_a_response_nobody_knows(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    plan = bitcoin.plan(bitcoin.fund(key, BTC), bitcoin.address(key), (bitcoin.mining, 10_000))
    silent = BitcoinChain(REGTEST, JsonRpc(f"http://127.0.0.1:{free_port()}"))
    assert silent.broadcast(bitcoin.sign(key, plan).raw).sent is Sent.UNKNOWN


def test_a_payment_that_a_reorg_dropped_is_sent_again_as_it_is(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    plan = bitcoin.plan(bitcoin.fund(key, BTC), bitcoin.address(key), (bitcoin.mining, 10_000))
    signed = bitcoin.sign(key, plan)
    bitcoin.chain.broadcast(signed.raw)
    block = bitcoin.mine()
    bitcoin.call("invalidateblock", block.hash)
    bitcoin.mine_only()
    bitcoin.mine_only()
    assert bitcoin.chain.status(signed.transaction, plan.claim).state is State.PENDING
    assert bitcoin.chain.broadcast(signed.raw).sent is Sent.ALREADY_KNOWN
    bitcoin.mine()
    assert bitcoin.chain.status(signed.transaction, plan.claim).state is State.SUCCEEDED
    bitcoin.call("reconsiderblock", block.hash)


def test_an_output_is_spent_once_it_waits_to_be(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    (unspent,) = bitcoin.fund(key, BTC)
    assert bitcoin.chain.is_unspent(unspent.outpoint)
    plan = bitcoin.builder.sweep((unspent,), bitcoin.mining, rate(5_000))
    bitcoin.chain.broadcast(bitcoin.sign(key, plan).raw)
    assert not bitcoin.chain.is_unspent(unspent.outpoint)
