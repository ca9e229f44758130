"""A stubbed CloudFormation for the tests of deployments."""

from collections.abc import Iterator

import pytest

from tests.doubles.cloudformation import Stack


@pytest.fixture
def stack() -> Iterator[Stack]:
    made = Stack()
    with made.stubber:
        yield made
