"""Real nodes for the tests of this folder: one anvil and one bitcoind for the session.

Where a node can't be had the tests are skipped by its name, but not where `REQUIRE_NODES` is set.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.nodes.processes import NodeMissing, RunningNode, anvil, bitcoind
from tests.integration.wallets.bitcoin_node import BitcoinNode
from tests.integration.wallets.evm_node import EvmNode

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what shares the nodes on one test worker."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group("nodes"))


@pytest.fixture(scope="session")
def evm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvmNode]:
    """Return an EVM node with blocks made on request."""
    with _or_skip("anvil"), anvil(tmp_path_factory.mktemp("anvil"), "--no-mining") as node:
        yield EvmNode(node)


@pytest.fixture
def other_anvil(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """Return a second EVM node, of the same chain id and with blocks of its own."""
    with _or_skip("anvil"), anvil(tmp_path_factory.mktemp("anvil2")) as node:
        yield node


@pytest.fixture(scope="session")
def bitcoin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BitcoinNode]:
    """Return a Bitcoin node in regtest whose wallet has matured rewards."""
    with _or_skip("bitcoind"), bitcoind(tmp_path_factory.mktemp("bitcoind")) as node:
        yield BitcoinNode(node)


class _or_skip:  # noqa: N801 - reads as a sentence where it is used
    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, NodeMissing) and not os.environ.get("REQUIRE_NODES"):
            pytest.skip(f"{self.name}: {error}")
