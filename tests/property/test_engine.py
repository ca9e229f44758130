"""The fast engine and the specification agree on every command, whatever comes.

The ordinary run decides some ten thousand commands; the long one (``make test-long``, or
``pytest -m long`` with this file) a million, which takes some minutes (docs/engine.md).
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core import COMPILED
from engine.core import Engine as FastEngine
from engine.core.engine import Engine as InterpretedEngine
from engine.reference import Engine as ReferenceEngine
from tests.property.random_commands import CAPACITY, command, world

WORDS = st.integers(min_value=0, max_value=(1 << 160) - 1)
COMMANDS = 100
RELAXED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)

needs_compiler = pytest.mark.skipif(not COMPILED, reason="the engine is not compiled")


def agree(words: list[int], engine_class: Any) -> None:
    """Drive both with the same commands; compare events, digest and whole state after each.

    Then all of them at once, as a worker's batch: the engine looks ahead in one.
    """
    reference, engine = ReferenceEngine(**CAPACITY), engine_class(**CAPACITY)
    commands = [world()]
    events = [reference.apply(commands[0])]
    assert engine.apply(commands[0]) == events[0]
    for word in words:
        one = command(word, reference)
        commands.append(one)
        events.append(reference.apply(one))
        assert engine.apply(one) == events[-1]
        assert engine.digest() == reference.digest()
        assert engine.checkpoint() == reference.checkpoint()
        engine.check()
        reference.check()
    at_once = engine_class(**CAPACITY)
    assert at_once.apply(b"".join(commands)) == b"".join(events)
    assert at_once.digest() == engine.digest()
    restored = engine_class.restore(engine.checkpoint())
    restored.check()
    assert restored.checkpoint() == engine.checkpoint()


def lists(size: int) -> st.SearchStrategy[list[int]]:
    """Lists of mostly full length, so that books fill up."""
    return st.lists(WORDS, min_size=size // 2, max_size=size)


@needs_compiler
@settings(max_examples=250, deadline=None, suppress_health_check=RELAXED, derandomize=True)
@given(lists(COMMANDS))
def test_compiled_agrees(words: list[int]) -> None:
    agree(words, FastEngine)


@settings(max_examples=20, deadline=None, suppress_health_check=RELAXED, derandomize=True)
@given(lists(COMMANDS))
def test_interpreted_agrees(words: list[int]) -> None:
    agree(words, InterpretedEngine)


@pytest.mark.long
@needs_compiler
@settings(max_examples=4_000, deadline=None, suppress_health_check=RELAXED)
@given(st.randoms(use_true_random=False))
def test_compiled_agrees_for_a_million_commands(draw: Any) -> None:
    agree([draw.getrandbits(160) for _ in range(250)], FastEngine)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(min_size=0, max_size=4 * 128))
def test_any_bytes_are_refused_alike(data: bytes) -> None:
    data = data[: len(data) // 128 * 128]
    reference, engine = ReferenceEngine(**CAPACITY), FastEngine(**CAPACITY)
    assert engine.apply(data) == reference.apply(data)
    assert engine.checkpoint() == reference.checkpoint()
