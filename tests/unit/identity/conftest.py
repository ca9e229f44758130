"""A user pool and an authorizer that trusts it."""

import threading
from collections.abc import Iterator
from types import ModuleType

import pytest

from bursa.tenants.dynamodb import DirectoryTable
from tests.doubles.exchange import TENANT, Exchange
from tests.doubles.user_pool import Pool
from tests.unit.conftest import started


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    server = Pool()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def authorizer(exchange: Exchange, pool: Pool) -> ModuleType:
    directory = DirectoryTable(exchange._dynamodb, "directory")
    directory.open_account(TENANT, "alice")
    module = started("authorizer.app")
    module.sign_in.by_token._tokens._key_sets._endpoint_url = pool.url
    return module
