"""Addresses and transactions of EVM chains, held against the examples of EIPs and eth-account."""

import eth_account
import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from bursa.kernel.errors import InvalidInput
from bursa.wallets.chains import evm_encoding as evm
from bursa.wallets.chains.amounts import ChainUnits
from bursa.wallets.chains.evm_builder import EvmBuilder
from bursa.wallets.chains.evm_network import EvmNetwork
from bursa.wallets.chains.ports import (
    NATIVE,
    EvmPlan,
    GasFee,
    NetworkName,
    NonceLane,
    Payment,
    PaymentRefused,
    Signature,
)
from tests.doubles.wallet_keys import SoftwareKey

KEY = SoftwareKey((42).to_bytes(32, "big"))
TO = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
TOKEN = "0xdAC17F958D2ee523a2206206994597C13D831ec7"  # noqa: S105 - a contract
NETWORK = EvmNetwork(NetworkName("test"), 1, frozenset({TOKEN}))
FEE = GasFee(ChainUnits(30 * 10**9), ChainUnits(10**9))
LANE = NonceLane(KEY.evm_address, 7, "hot")


@pytest.mark.parametrize(
    "address",
    [
        # EIP-55's own examples.
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
    ],
)
def test_an_address_has_one_form(address: str) -> None:
    forms = (address, address.lower(), "0x" + address[2:].upper())
    assert {evm.parse_address(form) for form in forms} == {address}


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("", "invalid_address"),
        ("0x", "invalid_address"),
        (TO[2:], "invalid_address"),
        (TO[:-1], "invalid_address"),
        (TO + "0", "invalid_address"),
        (TO + "\n", "invalid_address"),
        ("0X" + TO[2:], "invalid_address"),
        ("0x" + "g" * 40, "invalid_address"),
        ("0x" + "٠" * 40, "invalid_address"),
        ("vitalik.eth", "invalid_address"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "invalid_address"),
        (TO[:-1] + "D", "address_checksum"),
        (TO[:4] + TO[4:].swapcase(), "address_checksum"),
        ("0x" + "0" * 40, "zero_address"),
        (TOKEN, "token_contract"),
        (TOKEN.lower(), "token_contract"),
    ],
)
def test_what_is_no_destination_is_refused(address: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        EvmBuilder(NETWORK).address(address)
    assert (refused.value.code, refused.value.field) == (code, "address")


ITEMS = st.recursive(
    st.binary(max_size=80) | st.integers(0, 1 << 256), lambda inner: st.lists(inner, max_size=8)
)


@given(ITEMS)
def test_prefixes_are_what_another_library_writes(item: evm.Item) -> None:
    assert evm.encode(item) == rlp.encode(item)


@given(
    st.integers(0, 1 << 63),
    st.integers(1, 1 << 100),
    st.integers(21_000, 500_000),
    st.integers(0, 10**11),
    st.sampled_from([NATIVE, TOKEN]),
)
def test_a_transaction_is_what_another_library_signs(
    nonce: int, amount: int, gas: int, tip: int, asset: str
) -> None:
    plan = EvmPlan(
        NETWORK.name,
        (Payment("p", asset, TO, ChainUnits(amount)),),
        NonceLane(KEY.evm_address, nonce, "hot"),
        GasFee(ChainUnits(10**11), ChainUnits(tip)),
        gas,
    )
    builder = EvmBuilder(NETWORK)
    (request,) = builder.build(plan).requests
    signed = builder.assemble(plan, [KEY.sign(request.digest)])
    native = asset == NATIVE
    other = eth_account.Account.sign_transaction(
        {
            "type": 2,
            "chainId": 1,
            "nonce": nonce,
            "maxFeePerGas": 10**11,
            "maxPriorityFeePerGas": tip,
            "gas": gas,
            "to": TO if native else TOKEN,
            "value": amount if native else 0,
            "data": b"" if native else evm.transfer_call(TO, amount),
        },
        KEY.private.secret,
    )
    assert (signed.raw, signed.transaction) == (
        bytes(other.raw_transaction),
        "0x" + bytes(other.hash).hex(),
    )
    assert eth_account.Account.recover_transaction(signed.raw) == KEY.evm_address


def payment(**changes: object) -> Payment:
    return Payment(**{"id": "p", "asset": NATIVE, "destination": TO, "amount": 5, **changes})  # type: ignore[arg-type]


def plan(**changes: object) -> EvmPlan:
    fields = {
        "network": NETWORK.name,
        "payments": (payment(),),
        "lane": LANE,
        "fee": FEE,
        "gas_limit": 21_000,
    }
    return EvmPlan(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"network": NetworkName("other")}, "other_network"),
        ({"payments": (payment(destination=TO.lower()),)}, "destination_refused"),
        ({"payments": (payment(asset=TO),)}, "unlisted_token"),
        ({"payments": (payment(amount=0),)}, "amount_out_of_range"),
        ({"payments": (payment(amount=-1),)}, "amount_out_of_range"),
        ({"payments": (payment(amount=1 << 256),)}, "amount_out_of_range"),
        ({"lane": NonceLane(KEY.evm_address, -1, "hot")}, "sender_refused"),
        ({"lane": NonceLane(KEY.evm_address.lower(), 1, "hot")}, "sender_refused"),
        ({"gas_limit": 20_999}, "gas_limit_refused"),
        ({"gas_limit": 500_001}, "gas_limit_refused"),
        ({"fee": GasFee(ChainUnits(1), ChainUnits(2))}, "fee_refused"),
        ({"fee": GasFee(ChainUnits(10**13), ChainUnits(2))}, "absurd_fee"),
    ],
)
def test_the_signer_builds_only_a_plan_that_is_whole(changed: dict[str, object], code: str) -> None:
    builder = EvmBuilder(NETWORK)
    assert builder.build(plan()).requests
    with pytest.raises(PaymentRefused) as refused:
        builder.build(plan(**changed))
    assert refused.value.code == code


def test_anothers_signature_assembles_nothing() -> None:
    builder = EvmBuilder(NETWORK)
    (request,) = builder.build(plan()).requests
    good = KEY.sign(request.digest)
    stranger = SoftwareKey((43).to_bytes(32, "big")).sign(request.digest)
    for signatures in (
        [],
        [good, good],
        [stranger],
        [Signature(good.r, good.s, 1 - good.recovery)],
    ):
        with pytest.raises(PaymentRefused) as refused:
            builder.assemble(plan(), signatures)
        assert refused.value.code == "signature_refused"


def test_one_payment_a_transaction() -> None:
    for payments in ([], [payment(), payment()]):
        with pytest.raises(PaymentRefused):
            EvmBuilder(NETWORK).plan(payments, LANE, FEE)


@given(st.integers(0, 10**11), st.integers(0, 10**11), st.integers(0, 10**9))
def test_a_replacement_offers_an_eighth_more_on_both(fee: int, tip: int, quoted: int) -> None:
    first = plan(fee=GasFee(ChainUnits(max(fee, tip)), ChainUnits(min(fee, tip))))
    quote = GasFee(ChainUnits(quoted), ChainUnits(quoted))
    second = EvmBuilder(NETWORK).replacement(first, quote)
    for name in ("max_fee_per_gas", "max_priority_fee_per_gas"):
        before, after = getattr(first.fee, name), getattr(second.fee, name)
        assert after * 8 >= before * 9
        assert after > before
        assert after >= quoted
    assert second.claim == first.claim


def test_a_replacement_has_a_limit() -> None:
    dear = plan(fee=GasFee(ChainUnits(4_500 * 10**9), ChainUnits(1)))
    with pytest.raises(PaymentRefused) as refused:
        EvmBuilder(NETWORK).replacement(dear, FEE)
    assert refused.value.code == "absurd_fee"
