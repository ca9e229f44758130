"""What comes to Bitcoin addresses, on a real node (bitcoind, regtest)."""

from dataclasses import replace

import pytest

from bursa.wallets.chains.amounts import UnitScale
from bursa.wallets.chains.bitcoin_chain import BitcoinChain, satoshi
from bursa.wallets.chains.bitcoin_network import MAIN, REGTEST
from bursa.wallets.chains.compared_chain import ComparedChain
from bursa.wallets.chains.json_rpc_https import JsonRpc
from bursa.wallets.chains.ports import (
    NATIVE,
    NodeBehind,
    NodeUnavailable,
    Sent,
    State,
    WrongChain,
)
from tests.integration.wallets.bitcoin_node import BTC, BitcoinNode


def test_0_29_btc_arrive_as_29_million_satoshi(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    address = bitcoin.address(key)
    sent = bitcoin.pay({address: 29_000_000})
    (waiting,) = bitcoin.waiting(address)
    block = bitcoin.mine()
    (found,) = bitcoin.received(block, address)
    assert (found.asset, found.amount, found.block) == (NATIVE, 29_000_000, block)
    assert found.id.transaction == sent
    assert waiting.id == found.id
    assert waiting.block is None
    assert UnitScale(8, 8).in_ledger_exactly(found.amount) == 29_000_000
    assert bitcoin.chain.balance(address) == 29_000_000
    assert found.sources
    assert not found.is_coinbase


def test_each_output_of_one_transaction_has_an_id_of_its_own(bitcoin: BitcoinNode) -> None:
    one, two = bitcoin.address(bitcoin.key()), bitcoin.address(bitcoin.key())
    parent = bitcoin.key()
    unspent = bitcoin.fund(parent, BTC)
    plan = bitcoin.plan(unspent, bitcoin.mining, (one, 1_000), (two, 2_000), (one, 3_000))
    assert bitcoin.chain.broadcast(bitcoin.sign(parent, plan).raw).sent is Sent.ACCEPTED
    block = bitcoin.mine()
    ours = frozenset({one, two})
    found = bitcoin.chain.transfers(block, lambda paid: paid & ours)
    assert [(share.id.position, share.amount) for share in found] == [
        ("0", 1_000),
        ("1", 2_000),
        ("2", 3_000),
    ]
    assert {share.sources for share in found} == {(bitcoin.address(parent),)}
    assert bitcoin.chain.transfers(block, lambda paid: paid & ours) == found


def test_a_replaced_block_counts_for_nothing(bitcoin: BitcoinNode) -> None:
    address = bitcoin.address(bitcoin.key())
    sent = bitcoin.pay({address: BTC})
    block = bitcoin.mine()
    (before,) = bitcoin.received(block, address)
    bitcoin.call("invalidateblock", block.hash)
    try:
        assert bitcoin.chain.block(block.hash) is None
        with pytest.raises(NodeBehind):
            bitcoin.received(block, address)
        # The node puts the transaction back into its mempool, and still names the replaced block.
        assert bitcoin.chain.status(sent).state is State.PENDING
        other = bitcoin.mine_only()
        assert not bitcoin.received(other, address)
        again = bitcoin.mine()
        (after,) = bitcoin.received(again, address)
        assert after.id == before.id
        assert bitcoin.chain.status(sent).confirmations == 1
    finally:
        bitcoin.call("reconsiderblock", block.hash)
    assert bitcoin.chain.status(sent).block == again  # its chain has more work now


def test_a_deposit_that_was_double_spent_is_replaced(bitcoin: BitcoinNode) -> None:
    key = bitcoin.key()
    unspent = bitcoin.fund(key, BTC)
    ours = bitcoin.address(bitcoin.key())
    plan = bitcoin.plan(unspent, bitcoin.address(key), (ours, 50_000_000))
    first = bitcoin.sign(key, plan)
    bitcoin.chain.broadcast(first.raw)
    (waiting,) = bitcoin.waiting(ours)
    assert bitcoin.chain.status(first.transaction, waiting.claim).state is State.PENDING
    away = bitcoin.builder.cancellation(plan, replace(plan.fee))
    second = bitcoin.sign(key, away)
    assert bitcoin.chain.broadcast(second.raw).sent is Sent.ACCEPTED
    assert not bitcoin.waiting(ours)
    assert bitcoin.chain.status(first.transaction, waiting.claim).state is State.UNKNOWN
    bitcoin.mine()
    assert bitcoin.chain.status(first.transaction, waiting.claim).state is State.REPLACED
    assert bitcoin.chain.broadcast(first.raw).sent is Sent.REJECTED


def test_a_transaction_of_a_lost_branch_is_not_confirmed_by_its_block(bitcoin: BitcoinNode) -> None:
    """Mined in one branch, double-spent in the other: nothing of the first one counts."""
    key = bitcoin.key()
    unspent = bitcoin.fund(key, BTC)
    ours = bitcoin.address(bitcoin.key())
    plan = bitcoin.plan(unspent, bitcoin.address(key), (ours, 50_000_000))
    first = bitcoin.sign(key, plan)
    second = bitcoin.sign(key, bitcoin.builder.cancellation(plan, plan.fee))
    bitcoin.chain.broadcast(first.raw)
    block = bitcoin.mine()
    assert bitcoin.chain.status(first.transaction, plan.claim).state is State.SUCCEEDED
    bitcoin.call("invalidateblock", block.hash)
    try:
        bitcoin.mine_only(second.raw.hex())
        bitcoin.mine()
    finally:
        bitcoin.call("reconsiderblock", block.hash)
    told = bitcoin.call("getrawtransaction", first.transaction, 1)
    assert told["blockhash"] == block.hash  # the node still names it
    assert bitcoin.chain.status(first.transaction, plan.claim).state is State.REPLACED
    assert bitcoin.chain.status(second.transaction).state is State.SUCCEEDED


def test_a_miners_reward_is_told(bitcoin: BitcoinNode) -> None:
    address = bitcoin.address(bitcoin.key())
    bitcoin.call("generatetoaddress", 1, address)
    (found,) = bitcoin.received(bitcoin.chain.head(), address)
    assert found.is_coinbase
    assert found.sources == ()


def test_blocks_are_found_by_height_and_hash(bitcoin: BitcoinNode) -> None:
    head = bitcoin.mine()
    before = bitcoin.chain.block_at(head.height - 1)
    assert before is not None
    assert before.hash == head.parent_hash
    assert bitcoin.chain.block(head.hash) == head
    assert bitcoin.chain.block_at(head.height + 1) is None
    assert bitcoin.chain.block("00" * 32) is None
    assert bitcoin.chain.final_height() is None


def test_a_node_of_another_network_stops_everything(bitcoin: BitcoinNode) -> None:
    with pytest.raises(WrongChain):
        BitcoinChain(MAIN, bitcoin.rpc).head()
    with pytest.raises(WrongChain):
        BitcoinChain(replace(REGTEST, genesis="00" * 32), bitcoin.rpc).head()


def test_wrong_credentials_are_no_response_and_not_told(bitcoin: BitcoinNode) -> None:
    chain = BitcoinChain(REGTEST, JsonRpc(bitcoin.rpc._url, "regtest", "hunter2"))
    with pytest.raises(NodeUnavailable) as unavailable:
        chain.head()
    assert "hunter2" not in repr(unavailable.value)


def test_two_nodes_as_one(bitcoin: BitcoinNode) -> None:
    both = ComparedChain(bitcoin.chain, BitcoinChain(REGTEST, bitcoin.rpc))
    key = bitcoin.key()
    (unspent,) = bitcoin.fund(key, BTC)
    block = both.head()
    ours = frozenset({unspent.address})
    assert len(both.transfers(block, lambda paid: paid & ours)) == 1
    assert both.status(unspent.outpoint.transaction).confirmations == 1
    assert both.unspent([unspent.address]) == (
        (unspent.outpoint, unspent.address, BTC, block.height),
    )


@pytest.mark.parametrize("amount", ["0.000000001", "1e-9"])
def test_a_fraction_of_a_satoshi_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="satoshi"):
        satoshi(amount)
