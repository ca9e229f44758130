"""What comes to EVM addresses, on a real node (anvil)."""

from traceback import format_exception

import pytest

from bursa.wallets.chains.amounts import UnitScale
from bursa.wallets.chains.compared_chain import ComparedChain, refuse_old
from bursa.wallets.chains.evm_chain import EvmChain
from bursa.wallets.chains.evm_network import EvmNetwork, Traces
from bursa.wallets.chains.json_rpc_https import JsonRpc
from bursa.wallets.chains.ports import (
    NATIVE,
    NetworkName,
    NodeBehind,
    NodesDisagree,
    NodeUnavailable,
    Sent,
    State,
    WrongChain,
)
from scripts.nodes.processes import RunningNode, free_port
from tests.integration.wallets import contracts
from tests.integration.wallets.evm_node import (
    CHAIN_ID,
    ETH,
    EvmNode,
    forge_call,
    pay_call,
    try_pay_call,
)

TRACES = pytest.mark.parametrize("traces", [Traces.DEBUG, Traces.TRACE])


def test_ether_is_a_transfer_of_its_transaction(evm: EvmNode) -> None:
    address = evm.key().evm_address
    sent = evm.send(address, 3 * ETH)
    block = evm.mine()
    for traces in Traces:
        (found,) = evm.received(block, address, traces)
        assert (found.id.text, found.asset) == (f"anvil:{sent}:call-0", NATIVE)
        assert (found.amount, found.sources, found.block) == (3 * ETH, (evm.rich,), block)
    assert UnitScale(18, 9).in_ledger(found.amount) == (3 * 10**9, 0)
    assert evm.chain().balance(address) == 3 * ETH


def test_a_transaction_is_read_the_same_each_time(evm: EvmNode) -> None:
    address = evm.key().evm_address
    evm.send(address, 5)
    block = evm.mine()
    assert evm.received(block, address) == evm.received(block, address)
    assert not evm.received(evm.mine(), address)


@TRACES
def test_each_share_of_one_transaction_has_an_id_of_its_own(evm: EvmNode, traces: Traces) -> None:
    payer = evm.deploy(contracts.PAYER, listed=False)
    one, two = evm.key().evm_address, evm.key().evm_address
    evm.send(payer, 90, pay_call(one, two, one))
    block = evm.mine()
    ours = frozenset({one, two})
    found = evm.chain(traces).transfers(block, lambda paid: paid & ours)
    assert [(share.destination, share.amount) for share in found] == [
        (one, 30),
        (two, 30),
        (one, 30),
    ]
    # The contract's own receipt of 90 is the first movement.
    assert [share.id.position for share in found] == ["call-1", "call-2", "call-3"]
    assert {share.sources for share in found} == {(payer,)}


@TRACES
@pytest.mark.parametrize("caught", [False, True], ids=["whole", "inner"])
def test_a_call_that_failed_moved_nothing(evm: EvmNode, traces: Traces, caught: bool) -> None:
    payer = evm.deploy(contracts.PAYER, listed=False)
    address = evm.key().evm_address
    if caught:
        inner = evm.deploy(contracts.PAYER, listed=False)
        sent = evm.send(payer, 90, try_pay_call(inner, address))
    else:
        sent = evm.send(payer, 90, pay_call(address, fail=True))
    block = evm.mine()
    state = evm.chain().status(sent).state
    assert state is (State.SUCCEEDED if caught else State.REVERTED)
    assert not evm.received(block, address, traces)
    assert evm.chain().balance(address) == 0


def test_without_traces_only_the_transaction_itself_is_seen(evm: EvmNode) -> None:
    payer = evm.deploy(contracts.PAYER, listed=False)
    address = evm.key().evm_address
    evm.send(payer, 90, pay_call(address))
    assert not evm.received(evm.mine(), address, Traces.NONE)
    assert evm.chain().balance(address) == 90


def test_a_token_with_a_fee_brings_what_its_event_says(evm: EvmNode) -> None:
    token = evm.deploy(contracts.TOKEN, 10)
    address = evm.key().evm_address
    evm.pay_token(token, address, 1_000)
    (found,) = evm.received(evm.mine(), address)
    assert (found.asset, found.amount) == (token, 900)
    assert evm.chain().balance(address, token) == 900


def test_a_token_that_returns_nothing_is_a_token(evm: EvmNode) -> None:
    token = evm.deploy(contracts.SILENT_TOKEN)
    address = evm.key().evm_address
    evm.pay_token(token, address, 7)
    (found,) = evm.received(evm.mine(), address)
    assert (found.asset, found.amount, found.id.position) == (token, 7, "log-0")


def test_what_is_no_listed_tokens_transfer_is_nothing(evm: EvmNode) -> None:
    listed = evm.deploy(contracts.TOKEN, 0)
    look_alike = evm.deploy(contracts.TOKEN, 0, listed=False)
    forger = evm.deploy(contracts.PAYER, listed=False)
    address, poor = evm.key().evm_address, evm.key(1).evm_address
    evm.call("anvil_impersonateAccount", poor)
    reverted = evm.pay_token(listed, address, 5, sender=poor)
    evm.pay_token(look_alike, address, 5)
    evm.send(forger, data=forge_call(address, 5))
    evm.pay_token(listed, address, 0)
    evm.send(address, 0)
    block = evm.mine()
    assert evm.chain().status(reverted).state is State.REVERTED
    assert not evm.received(block, address)


def test_an_event_keeps_its_id_when_it_is_mined_again(evm: EvmNode) -> None:
    token = evm.deploy(contracts.TOKEN, 0)
    holder, earlier = evm.key(1), evm.key(1)
    address = evm.key().evm_address
    for one in (holder, earlier):
        evm.pay_token(token, one.evm_address, 100)
    evm.mine()
    signed = evm.sign(holder, evm.plan(holder, address, 5, token))
    first = evm.sign(earlier, evm.plan(earlier, evm.rich, 1, token))
    assert evm.chain().broadcast(signed.raw).sent is Sent.ACCEPTED
    block = evm.mine()
    (before,) = evm.received(block, address)
    assert evm.chain().status(signed.transaction).confirmations == 1
    evm.call("anvil_reorg", 1, [])
    assert evm.chain().block(block.hash) is None
    assert evm.chain().status(signed.transaction).state is not State.SUCCEEDED
    with pytest.raises(NodeBehind):
        evm.received(block, address)
    # Mined again, behind another event: its number in the block is another one now.
    evm.call("anvil_reorg", 1, [["0x" + one.raw.hex(), 0] for one in (first, signed)])
    (after,) = evm.received(evm.chain().head(), address)
    assert after.id == before.id
    assert after.block != before.block


def test_a_node_of_another_chain_stops_everything(evm: EvmNode) -> None:
    chain = EvmChain(EvmNetwork(NetworkName("other"), CHAIN_ID + 1), evm.rpc)
    with pytest.raises(WrongChain) as stopped:
        chain.head()
    assert "31337" in stopped.value.detail


def test_a_node_that_is_away_is_unavailable() -> None:
    rpc = JsonRpc(f"http://127.0.0.1:{free_port()}/v3/providers-key")
    with pytest.raises(NodeUnavailable) as unavailable:
        EvmChain(EvmNetwork(NetworkName("away"), 1), rpc).head()
    assert "providers-key" not in "".join(format_exception(unavailable.value))


def test_two_nodes_must_say_the_same(evm: EvmNode, other_anvil: RunningNode) -> None:
    other = JsonRpc(other_anvil.url)
    first, second = evm.chain(), EvmChain(evm.network(), other)
    other.read("evm_mine")
    evm.mine()
    height = evm.mine().height
    with pytest.raises(NodeBehind):
        ComparedChain(first, second, lag_blocks_max=height - 2).head()
    with pytest.raises(NodesDisagree):
        ComparedChain(first, second, lag_blocks_max=height).head()
    same = ComparedChain(first, evm.chain())
    address = evm.key().evm_address
    evm.send(address, 5)
    block = evm.mine()
    assert same.head() == block
    assert len(same.transfers(block, lambda paid: paid & frozenset({address}))) == 1


def test_a_head_that_is_old_stops(evm: EvmNode) -> None:
    head = evm.mine()
    refuse_old(head, (head.time_s + 60) * 1_000, 60_000)
    with pytest.raises(NodeBehind):
        refuse_old(head, (head.time_s + 60) * 1_000 + 1, 60_000)
