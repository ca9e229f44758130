"""The miniature exchange with the Binance dialect before it, and clients of two accounts."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from bursa.bootstrap.binance import open_binance
from bursa.dialects.binance.http_api import BinanceRestApi
from tests.doubles.binance import BinanceClient, keep_key
from tests.doubles.exchange import ALICE, BOB, Exchange, WorkingClock
from tests.unit.conftest import opened, started

Connect = Callable[..., BinanceClient]


def started_binance_api(clock: WorkingClock) -> ModuleType:
    """Start the function with the miniature's clock."""
    module = started("binance_api.app")
    services = open_binance(clock)
    app = BinanceRestApi(services.api, module.logger, module.metrics, is_shared=services.is_shared)
    vars(module).update(services=services, app=app)
    return module


@pytest.fixture
def binance_api(clock: WorkingClock) -> ModuleType:
    return started_binance_api(clock)


@pytest.fixture
def alice(binance_api: ModuleType, clock: WorkingClock) -> BinanceClient:
    """A client that has USDT."""
    return BinanceClient(binance_api, clock, keep_key(ALICE))


@pytest.fixture
def bob(binance_api: ModuleType, clock: WorkingClock) -> BinanceClient:
    """A client that has BTC."""
    return BinanceClient(binance_api, clock, keep_key(BOB))


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Exchange, BinanceClient]]:
    """One exchange for tests that only ask."""
    with opened() as exchange:
        clock = WorkingClock(exchange)
        yield exchange, BinanceClient(started_binance_api(clock), clock, keep_key(ALICE))
