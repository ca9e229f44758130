"""Ids of actors: words that fit the engine's, and that tell one from another."""

import pytest

from bursa.kernel.identifiers import OPERATORS, SYSTEM, Actor, ActorKind
from wire import layout as w

ALICE = Actor.named(ActorKind.USER, "t1", "alice")


def test_kinds_of_actors_have_the_engines_numbers() -> None:
    assert {kind.value: kind.name.lower() for kind in ActorKind} == w.ACTOR_NAMES
    assert Actor(ActorKind.OPERATOR, 5).word == w.ACTOR_OPERATOR << w.ACTOR_KIND_SHIFT | 5


@pytest.mark.parametrize(
    "actor",
    [SYSTEM, ALICE, Actor(ActorKind.OPERATOR, (1 << w.ACTOR_KIND_SHIFT) - 1)],
    ids=["system", "user", "largest"],
)
def test_a_word_is_read_back_and_fits_what_the_engine_allows(actor: Actor) -> None:
    assert Actor.from_word(actor.word) == actor
    assert 0 <= actor.word < 1 << w.ACTOR_BITS


@pytest.mark.parametrize(
    "other",
    [
        Actor.named(ActorKind.USER, "t2", "alice"),
        Actor.named(ActorKind.API_KEY, "t1", "alice"),
        Actor.named(ActorKind.USER, "t1", "bob"),
        Actor.named(ActorKind.OPERATOR, OPERATORS, "alice"),
    ],
    ids=["tenant", "kind", "name", "operator"],
)
def test_the_same_name_elsewhere_is_another_actor(other: Actor) -> None:
    assert other != ALICE
    assert other.number != ALICE.number


def test_a_word_of_no_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="4"):
        Actor.from_word(4 << w.ACTOR_KIND_SHIFT)


def test_an_actor_is_written_for_people() -> None:
    assert str(SYSTEM) == "system"
    assert str(Actor(ActorKind.USER, 255)) == "user:000000000000ff"
