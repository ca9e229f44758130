"""Networks that make no sense are refused; confirmations follow the amount."""

from dataclasses import replace
from typing import Any

import pytest

from bursa.kernel.errors import InvalidInput
from bursa.wallets.networks import Depth
from tests.simulation.wallet_world import NETWORK


@pytest.mark.parametrize(
    "changes",
    [
        {"depths": ()},
        {"depths": (Depth(1, 1),)},
        {"depths": (Depth(0, 0),)},
        {"depths": (Depth(0, 2), Depth(0, 3))},
        {"depths": (Depth(0, 3), Depth(5, 2))},
        {"final_confirmations": 3},
        {"final_confirmations": 10_001},
        {"scale": 19, "decimals": 18},
        {"decimals": 37},
        {"deposit_minimum_units": 0},
        {"withdrawal_minimum_units": 0},
        {"fee_units": -1},
        {"hourly_units": -1},
    ],
)
def test_what_is_no_network(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        replace(NETWORK, **changes)


@pytest.mark.parametrize(("units", "needed"), [(0, 2), (9_999_999, 2), (10_000_000, 4)])
def test_more_needs_more(units: int, needed: int) -> None:
    assert NETWORK.confirmations_of(units) == needed
    assert NETWORK.withdrawal_confirmations == 4
