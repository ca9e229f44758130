import pytest

from tests.doubles.broadcast import Broadcast


@pytest.fixture
def broadcast() -> Broadcast:
    return Broadcast()
