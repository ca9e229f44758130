"""Amounts between chain and ledger: exact, or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursa.kernel.amounts import INT64_MAX, Units, parse_units
from bursa.kernel.errors import InvalidInput, Refused
from bursa.wallets.chains.amounts import ChainUnits, UnitScale

ETH = UnitScale(18, 9)
BTC = UnitScale(8, 8)
COARSE = UnitScale(2, 6)  # a token with fewer decimals than the ledger


@pytest.mark.parametrize(
    ("scale", "amount", "expected"),
    [
        (ETH, 10**18, (10**9, 0)),
        (ETH, 10**18 + 1, (10**9, 1)),
        (ETH, 10**9 - 1, (0, 10**9 - 1)),
        (ETH, INT64_MAX * 10**9, (INT64_MAX, 0)),
        (BTC, 29_000_000, (29_000_000, 0)),
        (COARSE, 7, (70_000, 0)),
        (BTC, 0, (0, 0)),
    ],
)
def test_an_amount_on_a_chain_is_units_and_dust(
    scale: UnitScale, amount: int, expected: tuple[int, int]
) -> None:
    assert scale.in_ledger(ChainUnits(amount)) == expected


def test_0_29_btc_is_29_million_satoshi() -> None:
    assert BTC.on_chain(parse_units("0.29", 8, "amount")) == 29_000_000


@pytest.mark.parametrize(
    ("scale", "amount", "code"),
    [
        (ETH, -1, "amount_out_of_range"),
        (ETH, (INT64_MAX + 1) * 10**9, "amount_out_of_range"),
        (COARSE, INT64_MAX, "amount_out_of_range"),
        (ETH, 10**9 + 1, "amount_not_whole"),
    ],
)
def test_what_the_ledger_cannot_hold_is_refused(scale: UnitScale, amount: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        scale.in_ledger_exactly(ChainUnits(amount))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("scale", "units", "code"),
    [(ETH, -1, "amount_out_of_range"), (COARSE, 12_345, "amount_not_whole")],
)
def test_what_the_chain_cannot_carry_is_refused(scale: UnitScale, units: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        scale.on_chain(Units(units))
    assert refused.value.code == code


@pytest.mark.parametrize("decimals", [(-1, 6), (37, 6), (18, -1), (18, 19)])
def test_a_scale_that_cannot_be_is_refused(decimals: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput):
        UnitScale(*decimals)


@given(st.integers(0, 36), st.integers(0, 18), st.integers(0, INT64_MAX))
def test_nothing_is_lost_or_made_on_the_way(chain: int, ledger: int, units: int) -> None:
    scale = UnitScale(chain, ledger)
    try:
        amount = scale.on_chain(Units(units))
    except Refused:
        assert units % 10 ** (ledger - chain)
        return
    assert scale.in_ledger_exactly(amount) == units


@given(st.integers(0, 36), st.integers(0, 18), st.integers(0, 1 << 120))
def test_units_and_dust_are_the_whole_amount(chain: int, ledger: int, amount: int) -> None:
    scale = UnitScale(chain, ledger)
    try:
        units, dust = scale.in_ledger(ChainUnits(amount))
    except Refused:
        return
    assert scale.on_chain(units) + dust == amount
