"""Payments on an EVM network, signed here and mined by a real node (anvil)."""

from dataclasses import replace

import pytest

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.evm_chain import EvmChain
from bursa.wallets.chains.json_rpc_https import JsonRpc
from bursa.wallets.chains.ports import (
    NATIVE,
    GasFee,
    NonceLane,
    Nonces,
    Payment,
    PaymentRefused,
    Rejection,
    Sent,
    State,
)
from scripts.nodes.processes import free_port
from tests.integration.wallets import contracts
from tests.integration.wallets.evm_node import ETH, FEE, GWEI, EvmNode, selector


def test_a_payment_arrives_and_its_fee_is_known(evm: EvmNode) -> None:
    key, to = evm.key(2), evm.key().evm_address
    plan = evm.plan(key, to, ETH)
    signed = evm.sign(key, plan)
    chain = evm.chain()
    assert chain.status(signed.transaction, plan.claim).state is State.UNKNOWN
    assert chain.broadcast(signed.raw).sent is Sent.ACCEPTED
    assert chain.status(signed.transaction, plan.claim).state is State.PENDING
    evm.mine()
    evm.mine()
    status = chain.status(signed.transaction, plan.claim)
    assert (status.state, status.confirmations) == (State.SUCCEEDED, 2)
    assert chain.balance(to) == ETH
    assert status.fee is not None
    assert chain.balance(key.evm_address) == ETH - status.fee
    assert status.fee <= plan.fee_max


def test_the_same_bytes_again_are_known(evm: EvmNode) -> None:
    key = evm.key(2)
    signed = evm.sign(key, evm.plan(key, evm.rich, 1))
    assert evm.chain().broadcast(signed.raw).sent is Sent.ACCEPTED
    assert evm.chain().broadcast(signed.raw).sent is Sent.ALREADY_KNOWN
    evm.mine()
    # Now the node says that the nonce is used; it is by this very transaction.
    assert evm.chain().broadcast(signed.raw).sent is Sent.ALREADY_KNOWN


@pytest.mark.parametrize(
    ("code", "arguments", "arrives"),
    [(contracts.TOKEN, (10,), 900), (contracts.SILENT_TOKEN, (), 1_000)],
    ids=["with a fee", "silent"],
)
def test_a_token_is_paid(
    evm: EvmNode, code: bytes, arguments: tuple[int, ...], arrives: int
) -> None:
    token = evm.deploy(code, *arguments)
    key, to = evm.key(1), evm.key().evm_address
    evm.pay_token(token, key.evm_address, 10_000)
    evm.mine()
    signed = evm.sign(key, evm.plan(key, to, 1_000, token))
    evm.chain().broadcast(signed.raw)
    evm.mine()
    assert evm.chain().status(signed.transaction).state is State.SUCCEEDED
    assert evm.chain().balance(to, token) == arrives


@pytest.mark.parametrize("code", [contracts.TOKEN, contracts.REFUSING_TOKEN])
def test_what_would_fail_is_not_planned(evm: EvmNode, code: bytes) -> None:
    token = evm.deploy(code, 0)
    key = evm.key(1)
    payment = Payment("p", token, evm.rich, ChainUnits(5))
    with pytest.raises(PaymentRefused) as refused:
        evm.chain().gas_needed(key.evm_address, payment)
    assert refused.value.code == "would_revert"


def test_a_reverted_payment_costs_its_fee_and_uses_its_nonce(evm: EvmNode) -> None:
    token = evm.deploy(contracts.TOKEN, 0)
    key, to = evm.key(1), evm.key().evm_address
    lane = NonceLane(key.evm_address, 0, "hot")
    payment = Payment("p", token, to, ChainUnits(5))
    plan = evm.builder().plan([payment], lane, FEE, 100_000)
    signed = evm.sign(key, plan)
    evm.chain().broadcast(signed.raw)
    evm.mine()
    status = evm.chain().status(signed.transaction, plan.claim)
    assert status.state is State.REVERTED
    assert status.fee is not None
    assert evm.chain().balance(key.evm_address) == ETH - status.fee
    assert evm.chain().nonces(key.evm_address) == Nonces(1, 1)


def test_a_stuck_payment_is_replaced_once(evm: EvmNode) -> None:
    key, to = evm.key(2), evm.key().evm_address
    plan = evm.plan(key, to, ETH)
    first = evm.sign(key, plan)
    evm.chain().broadcast(first.raw)
    # Most nodes demand an eighth more on both fields; this one takes any more, but no less.
    lower = replace(plan, fee=GasFee(ChainUnits(20 * GWEI), ChainUnits(2 * GWEI - 1)))
    outcome = evm.chain().broadcast(evm.sign(key, lower).raw)
    assert (outcome.sent, outcome.rejection) == (Sent.REJECTED, Rejection.UNDERPRICED)
    raised = evm.builder().replacement(plan, FEE)
    assert raised.fee.max_fee_per_gas * 8 >= plan.fee.max_fee_per_gas * 9
    assert raised.fee.max_priority_fee_per_gas * 8 >= plan.fee.max_priority_fee_per_gas * 9
    assert raised.payments == plan.payments
    second = evm.sign(key, raised)
    assert evm.chain().broadcast(second.raw).sent is Sent.ACCEPTED
    evm.mine()
    assert evm.chain().status(second.transaction, plan.claim).state is State.SUCCEEDED
    # At first only a node that lags would not have it.
    assert evm.chain().status(first.transaction, plan.claim).state is State.UNKNOWN
    evm.mine_several()
    assert evm.chain().status(first.transaction, plan.claim).state is State.REPLACED
    assert evm.chain().balance(to) == ETH


def test_a_cancelled_payment_pays_nobody(evm: EvmNode) -> None:
    key, to = evm.key(2), evm.key().evm_address
    plan = evm.plan(key, to, ETH)
    first = evm.sign(key, plan)
    evm.chain().broadcast(first.raw)
    evm.chain().broadcast(evm.sign(key, evm.builder().cancellation(plan, FEE)).raw)
    evm.mine()
    evm.mine_several()
    assert evm.chain().status(first.transaction, plan.claim).state is State.REPLACED
    assert evm.chain().balance(to) == 0


def test_a_gap_of_nonces_is_filled(evm: EvmNode) -> None:
    key, to = evm.key(3), evm.key().evm_address
    later = evm.sign(key, evm.plan(key, to, ETH, nonce=1))
    assert evm.chain().broadcast(later.raw).sent is Sent.ACCEPTED
    evm.mine()
    assert evm.chain().status(later.transaction).state is State.PENDING
    assert evm.chain().nonces(key.evm_address).mined == 0
    gap = evm.builder().gap(NonceLane(key.evm_address, 0, "hot"), FEE)
    evm.chain().broadcast(evm.sign(key, gap).raw)
    evm.mine()
    evm.mine()
    assert evm.chain().status(later.transaction).state is State.SUCCEEDED
    assert evm.chain().balance(to) == ETH


def test_a_payment_that_a_reorg_dropped_is_sent_again_as_it_is(evm: EvmNode) -> None:
    key, to = evm.key(2), evm.key().evm_address
    plan = evm.plan(key, to, ETH)
    signed = evm.sign(key, plan)
    evm.chain().broadcast(signed.raw)
    evm.mine()
    evm.call("anvil_reorg", 1, [])
    status = evm.chain().status(signed.transaction, plan.claim)
    assert status.state in {State.UNKNOWN, State.PENDING}
    assert evm.chain().broadcast(signed.raw).sent in {Sent.ACCEPTED, Sent.ALREADY_KNOWN}
    evm.mine()
    assert evm.chain().status(signed.transaction, plan.claim).state is State.SUCCEEDED
    assert evm.chain().balance(to) == ETH


def test_a_sender_without_funds_is_rejected(evm: EvmNode) -> None:
    key = evm.key(1)
    plan = replace(
        evm.plan(key, evm.rich, 1), payments=(Payment("p", NATIVE, evm.rich, ChainUnits(ETH)),)
    )
    outcome = evm.chain().broadcast(evm.sign(key, plan).raw)
    assert (outcome.sent, outcome.rejection) == (Sent.REJECTED, Rejection.FUNDS_SHORT)
    with pytest.raises(PaymentRefused):
        evm.chain().gas_needed(key.evm_address, Payment("p", NATIVE, evm.rich, ChainUnits(2 * ETH)))


def test_without_a_response_nobody_knows(evm: EvmNode) -> None:
    key = evm.key(2)
    signed = evm.sign(key, evm.plan(key, evm.rich, 1))
    silent = EvmChain(evm.network(), JsonRpc(f"http://127.0.0.1:{free_port()}"))
    assert silent.broadcast(signed.raw).sent is Sent.UNKNOWN


def test_a_quote_is_mined_at_once(evm: EvmNode) -> None:
    key = evm.key(2)
    chain = evm.chain()
    fees = [chain.fee_quote(blocks) for blocks in (1, 5, 50)]
    assert all(0 < fee.max_priority_fee_per_gas < fee.max_fee_per_gas for fee in fees)
    plan = replace(evm.plan(key, evm.rich, 1), fee=fees[-1])
    signed = evm.sign(key, plan)
    chain.broadcast(signed.raw)
    evm.mine()
    assert chain.status(signed.transaction).state is State.SUCCEEDED


def test_a_payment_to_a_contract_has_the_gas_that_it_needs(evm: EvmNode) -> None:
    payer = evm.deploy(contracts.PAYER, listed=False)
    key = evm.key(2)
    with pytest.raises(PaymentRefused):  # it takes no plain payment
        evm.chain().gas_needed(key.evm_address, Payment("p", NATIVE, payer, ChainUnits(1)))
    assert selector("transfer(address,uint256)").hex() == "a9059cbb"


def test_an_address_of_a_listed_token_is_no_destination(evm: EvmNode) -> None:
    token = evm.deploy(contracts.TOKEN, 0)
    with pytest.raises(InvalidInput) as refused:
        evm.builder().address(token.lower())
    assert refused.value.code == "token_contract"


def test_the_finality_of_the_network_is_asked_for(evm: EvmNode) -> None:
    head = evm.mine()
    final = evm.chain().final_height()
    assert final is not None
    assert 0 <= final <= head.height
