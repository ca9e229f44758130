"""Trading programs, unmodified, against the exchange: only an address and a key are given.

Each runs its session (``<client>_session.py``) in an environment of its own, made from its lock;
where that can't be made, its test is skipped and says so. What it is to see is in
``<client>_seen.json``; docs/clients.md has it in words.
"""

import json

import pytest

from tests.clients.conftest import HERE, Session

CLIENTS = (
    *("binance-connector", "ccxt", "python-binance"),
    # They take 0.6 GB each, and the first some minutes.
    pytest.param("freqtrade", marks=pytest.mark.long),
    pytest.param("nautilus", marks=pytest.mark.long),
)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_as_it_is(session: Session, client: str) -> None:
    expected = json.loads((HERE / f"{client.replace('-', '_')}_seen.json").read_text())

    assert session(client) == expected
