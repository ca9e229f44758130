"""The whole exchange for tests that ask for it: one for the session, on a port of its own.

It is started and ended by the same commands as `make up` and `make down`, with its state in a
temporary folder, so it disturbs no exchange that a developer has running in this checkout.
"""

import gc
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import botocore.session
import pytest

from scripts.client import Deployment
from tests.doubles.local_exchange import DEMO_PAGE, Local

END_TO_END = Path(__file__).parent / "e2e"
TESTS_A_COLLECTION = 100

# Each session of botocore reads the descriptions of AWS's services again; tests open thousands.
botocore.session.create_loader = cache(botocore.session.create_loader)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what shares an exchange on one test worker, however the tests are spread."""
    for item in items:
        if item.path.parent == END_TO_END:
            item.add_marker(pytest.mark.e2e)
            shared = "exchange_place" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.xdist_group("exchange" if shared else item.path.stem))
    items.sort(key=lambda item: item.get_closest_marker("runs_last") is not None)


_ended = count(1)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Let go of what functions' starts keep for their process: here they start a thousand times."""
    if next(_ended) % TESTS_A_COLLECTION == 0:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    """Return a folder for an exchange of this test's own; nothing runs there yet."""
    place = Local(tmp_path / "home")
    yield place
    place.command("down")


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file in which the session's exchange notes what AWS is called for, by whom."""
    return tmp_path_factory.mktemp("calls") / "calls.jsonl"


@pytest.fixture(scope="session")
def exchange_place(tmp_path_factory: pytest.TempPathFactory, calls: Path) -> Iterator[Local]:
    """Start an exchange with its demo tenants for the session."""
    place = Local(tmp_path_factory.mktemp("exchange"), origins=DEMO_PAGE, calls=calls)
    started = place.command("up")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield place
    finally:
        place.command("down")


@pytest.fixture(scope="session")
def exchange(exchange_place: Local) -> Deployment:
    """Return the session's exchange, as the users of its first tenant use it."""
    return exchange_place.deployment()
