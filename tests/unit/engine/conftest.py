"""Every test of the engine runs against all of its implementations."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.engine.desk import Desk
from tests.unit.engine.engines import ENGINES


@pytest.fixture(params=ENGINES)
def engine_class(request: pytest.FixtureRequest) -> Any:
    return ENGINES[request.param]


# The interpreted engine touches all of its memory when it is made.
SMALL = {"orders": 4096, "accounts": 4096, "balances": 4096, "remembered_ids": 4096}


@pytest.fixture
def desk(engine_class: Any) -> Desk:
    return Desk(engine_class(**SMALL))


@pytest.fixture
def desk_with(engine_class: Any) -> Callable[..., Desk]:
    def make(**capacity: int) -> Desk:
        return Desk(engine_class(**{**SMALL, **capacity}))

    return make
