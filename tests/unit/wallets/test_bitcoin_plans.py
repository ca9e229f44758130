"""Plans of Bitcoin payments: nothing is lost, fees are what was asked, bad plans are refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from bursa.wallets.chains import bitcoin_scripts as scripts
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.bitcoin_builder import BitcoinBuilder
from bursa.wallets.chains.bitcoin_network import REGTEST
from bursa.wallets.chains.bitcoin_selection import fee_at, vbytes
from bursa.wallets.chains.ports import (
    NATIVE,
    BitcoinPlan,
    GasFee,
    NetworkName,
    Outpoint,
    OutputsLane,
    Payment,
    PaymentRefused,
    RateFee,
    Signature,
    Unspent,
)
from tests.doubles.wallet_keys import SoftwareKey

KEY = SoftwareKey((5).to_bytes(32, "big"))
COLD = SoftwareKey((6).to_bytes(32, "big"))
ADDRESS = scripts.address_of(scripts.key_script(KEY.public_key), REGTEST)
EITHER = scripts.address_of(
    scripts.hashed(scripts.either_key(KEY.public_key, COLD.public_key)), REGTEST
)
BUILDER = BitcoinBuilder(REGTEST)
AMOUNTS = st.lists(st.integers(300, 10**8), min_size=1, max_size=12)


def unspent(number: int, amount: int, *, cold: bool = False) -> Unspent:
    return Unspent(
        Outpoint(f"{number:064x}", number),
        EITHER if cold else ADDRESS,
        ChainUnits(amount),
        1,
        "hot",
        KEY.public_key,
        COLD.public_key if cold else b"",
    )


def payment(amount: int = 10_000, **changes: Any) -> Payment:
    return replace(Payment("p", NATIVE, ADDRESS, ChainUnits(amount)), **changes)


def plan(*amounts: int, rate: int = 2_000) -> BitcoinPlan:
    lane = OutputsLane((unspent(1, 10**6), unspent(2, 10**5)), ADDRESS)
    return BUILDER.plan([payment(one) for one in amounts], lane, RateFee(ChainUnits(rate)))


@given(AMOUNTS, AMOUNTS, st.integers(1_000, 50_000), st.booleans())
def test_a_plan_pays_what_was_asked_and_loses_nothing(
    available: list[int], paid: list[int], rate: int, cold: bool
) -> None:
    outputs = tuple(unspent(n, amount, cold=cold) for n, amount in enumerate(available))
    lane = OutputsLane(outputs, EITHER)
    try:
        made = BUILDER.plan([payment(one) for one in paid], lane, RateFee(ChainUnits(rate)))
    except PaymentRefused as refused:
        size = vbytes(outputs, [scripts.key_script(KEY.public_key)] * len(paid))
        enough = sum(available) - sum(paid) >= fee_at(rate, size)
        expected = {"absurd_fee"} if enough else {"absurd_fee", "funds_short"}
        event(refused.code)
        if refused.code not in expected:
            raise
        return
    assert [one.amount for one in made.payments] == paid
    assert sum(one.amount for one in made.inputs) == sum(paid) + made.change + made.fee_max
    assert made.fee_max >= fee_at(rate, made.vbytes)
    assert made.change == 0 or made.change >= 330
    assert BUILDER.build(made).requests == BUILDER.build(made).requests
    # What is left to the fee beyond the rate is less than an output of change is worth.
    assert made.change or made.fee_max - fee_at(rate, made.vbytes) < 330 + fee_at(rate, 43)


@given(st.integers(1_000, 20_000), st.integers(1_000, 100_000))
def test_a_replacement_pays_what_nodes_demand(first: int, quoted: int) -> None:
    before = plan(50_000, rate=first)
    after = BUILDER.replacement(before, RateFee(ChainUnits(quoted)))
    assert after.claim == before.claim
    assert after.payments == before.payments
    assert after.fee_max >= before.fee_max + fee_at(1_000, after.vbytes)
    assert after.fee_max >= fee_at(quoted, after.vbytes)
    assert after.fee_max * before.vbytes > before.fee_max * after.vbytes
    away = BUILDER.cancellation(before, RateFee(ChainUnits(quoted)))
    assert (away.claim, away.payments) == (before.claim, ())
    assert away.fee_max >= before.fee_max + fee_at(1_000, away.vbytes)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"network": NetworkName("bitcoin")}, "other_network"),
        ({"payments": (payment(293),)}, "dust_output"),
        ({"payments": (payment(asset="0x1"),)}, "destination_refused"),
        ({"payments": (payment(destination=ADDRESS.upper()),)}, "destination_refused"),
        ({"payments": (payment(22 * 10**14),)}, "amount_out_of_range"),
        ({"payments": (payment(),) * 101}, "too_many_payments"),
        ({"payments": ()}, "plan_refused"),
        ({"inputs": ()}, "inputs_refused"),
        ({"inputs": (unspent(1, 10**6), unspent(1, 10**6))}, "inputs_refused"),
        ({"inputs": (replace(unspent(1, 10**6), address=EITHER),)}, "inputs_refused"),
        ({"change": ChainUnits(0)}, "plan_refused"),
        ({"change": ChainUnits(293)}, "dust_output"),
        ({"change": ChainUnits(10**6)}, "absurd_fee"),
        ({"change": ChainUnits(500_000)}, "absurd_fee"),
        ({"vbytes": 1}, "plan_refused"),
    ],
)
def test_the_signer_builds_only_a_plan_that_is_whole(changed: dict[str, Any], code: str) -> None:
    good = plan(10_000)
    assert BUILDER.build(good).requests
    with pytest.raises(PaymentRefused) as refused:
        BUILDER.build(replace(good, **changed))
    assert refused.value.code == code


def test_each_signature_is_of_its_input() -> None:
    made = plan(1_050_000)
    first, second = (KEY.sign(one.digest) for one in BUILDER.build(made).requests)
    assert BUILDER.assemble(made, [first, second]).transaction
    stranger = COLD.sign(BUILDER.build(made).requests[1].digest)
    for signatures in (
        [],
        [first],
        [second, first],
        [first, stranger],
        [first, Signature(1, 1, 0)],
    ):
        with pytest.raises(PaymentRefused) as refused:
            BUILDER.assemble(made, signatures)
        assert refused.value.code == "signature_refused"


def test_a_payment_of_the_other_family_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        BUILDER.plan([payment()], OutputsLane((), ADDRESS), GasFee(ChainUnits(1), ChainUnits(1)))


def test_what_costs_more_than_it_is_worth_is_not_swept() -> None:
    dear = RateFee(ChainUnits(20_000))
    with pytest.raises(PaymentRefused) as refused:
        BUILDER.sweep([unspent(1, 1_500)], ADDRESS, dear)
    assert refused.value.code == "funds_short"
    with pytest.raises(PaymentRefused):
        BUILDER.child(plan(10_000), unspent(3, 1_500), ADDRESS, dear)
