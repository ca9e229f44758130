"""What the wallets ask of the engine happens once, also when the engine has forgotten it."""

from collections.abc import Callable

import pytest

from bursa.kernel.errors import Refused
from bursa.wallets.ledger import Asked, Ledger, hold_number
from tests.simulation.wallet_world import FUNDED_UNITS, USERS, World

ANNA, BENO = USERS
THREE_HOURS_MS = 3 * 3_600_000


@pytest.fixture
def world() -> World:
    return World(1)


def asked(world: World, name: str = "one") -> Asked:
    return Asked(name, world.clock.now_ms())


Ask = Callable[[Ledger, Asked, int], object]
CREDIT: Ask = lambda ledger, one, _: ledger.credit(ANNA, 1, 5, one)  # noqa: E731
DEBIT: Ask = lambda ledger, one, _: ledger.debit(ANNA, 1, 5, one)  # noqa: E731
HOLD: Ask = lambda ledger, one, _: ledger.hold(ANNA, 1, 5, one)  # noqa: E731
RELEASE: Ask = lambda ledger, one, now_ms: ledger.release(ANNA, 1, one, now_ms)  # noqa: E731
CAPTURE: Ask = lambda ledger, one, now_ms: ledger.capture(ANNA, 1, one, now_ms)  # noqa: E731
MOVE: Ask = lambda ledger, one, _: ledger.move_held(ANNA, BENO, 1, one, 5)  # noqa: E731


@pytest.mark.parametrize(
    ("before", "ask", "anna", "beno"),
    [
        ([], CREDIT, (5, 0), 0),
        ([], DEBIT, (-5, 0), 0),
        ([], HOLD, (-5, 5), 0),
        ([HOLD], RELEASE, (0, 0), 0),
        ([HOLD], CAPTURE, (-5, 0), 0),
        ([HOLD], MOVE, (-5, 0), 5),
    ],
    ids=["credit", "debit", "hold", "release", "capture", "move"],
)
def test_asked_twice_it_happens_once(
    world: World, before: list[Ask], ask: Ask, anna: tuple[int, int], beno: int
) -> None:
    one = asked(world)
    for each in (*before, ask, ask):
        each(world.ledger, one, world.clock.now_ms())
    world.clock.time_ms += THREE_HOURS_MS
    if ask is not HOLD:
        ask(world.ledger, one, world.clock.now_ms())
    available, held = world.intake.units(ANNA)
    assert (available - FUNDED_UNITS, held) == anna
    assert world.intake.units(BENO)[0] - FUNDED_UNITS == beno


@pytest.mark.parametrize("ask", [CREDIT, DEBIT, HOLD], ids=["credit", "debit", "hold"])
def test_what_never_came_before_the_engine_forgot_never_will(world: World, ask: Ask) -> None:
    one = asked(world)
    # Something that it remembers until it forgets all of that time.
    world.ledger.credit(BENO, 1, 1, asked(world, "other"))
    world.clock.time_ms += THREE_HOURS_MS
    with pytest.raises(Refused) as error:
        ask(world.ledger, one, world.clock.now_ms())
    assert error.value.code == "command_too_old"
    assert world.intake.units(ANNA) == (FUNDED_UNITS, 0)


@pytest.mark.parametrize("ask", [RELEASE, CAPTURE], ids=["release", "capture"])
def test_a_hold_of_hours_ago_still_ends(world: World, ask: Ask) -> None:
    one = asked(world)
    HOLD(world.ledger, one, 0)
    world.clock.time_ms += THREE_HOURS_MS
    for _ in range(2):
        ask(world.ledger, one, world.clock.now_ms())
    assert world.intake.units(ANNA)[1] == 0


def test_a_move_that_is_refused_holds_nothing(world: World) -> None:
    one = asked(world)
    HOLD(world.ledger, one, 0)
    with pytest.raises(Refused):
        world.ledger.move_held(ANNA, ANNA, 1, one, 5)
    RELEASE(world.ledger, one, world.clock.now_ms())
    assert world.intake.units(ANNA) == (FUNDED_UNITS, 0)


def test_a_hold_has_a_number_that_the_engine_takes() -> None:
    numbers = {hold_number(ANNA, str(name)) for name in range(500)}
    assert len(numbers) == 500
    assert all(0 < one < 1 << 63 for one in numbers)
