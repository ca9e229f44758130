"""What a tenant's file begins, and what it leaves to the back office from then on."""

import pytest

from bursa.fees.schedule import FeeSchedule
from bursa.kernel.errors import Conflict, Unavailable
from bursa.tenants.lister import Lister
from scripts.onboard.tenant_file import parse
from tests.unit.onboard.test_opening import World
from tests.unit.onboard.test_tenant_file import PLAIN


def with_tiers(text: str) -> str:
    tiered = text.replace(
        "taker_ppm: 2000 }",
        """taker_ppm: 2000, currency: USDT, tiers: [
  { volume: "100000", maker_ppm: 800, taker_ppm: 1600 },
  { volume: 1000000, maker_ppm: -100, taker_ppm: 1000 }] }""",
    )
    assert tiered != text
    return tiered


TIERED = with_tiers(PLAIN)


def test_a_tenant_begins_with_the_tiers_of_its_file_and_keeps_its_back_offices() -> None:
    world = World()
    tenant = world.open(TIERED).profile.tenant
    scale = 10**10
    begun = FeeSchedule("USDT", 10, (100_000 * scale, 1_000_000 * scale))
    assert world.fees.known == {tenant: begun}
    assert ("fee-tiers", "800/1600,-100/1000", 2) in world.intake.sent
    later = FeeSchedule("USDT", 10, (5,), 1_000)
    world.fees.known[tenant] = later
    plan = world.plan(parse(TIERED.replace("1600", "1500"), "x"))
    assert not plan.changes
    assert "fee tiers" in {step.thing for step in plan.steps}
    world.open(TIERED.replace("1600", "1500"))
    assert world.fees.known == {tenant: later}
    assert [kind for kind, _, _ in world.intake.sent].count("fee-tiers") == 1


def test_tiers_that_broke_off_are_set_by_a_repeat() -> None:
    world = World()
    world.intake.breaks_before = "fee-tiers"
    with pytest.raises(Unavailable):
        world.open(TIERED)
    assert not world.fees.known
    world.intake.breaks_before = ""
    world.open(TIERED)
    assert world.fees.known


def test_a_file_leaves_to_the_back_office_what_that_has_listed() -> None:
    world = World()
    world.open(PLAIN)
    wanted = parse(PLAIN, "x")
    world.directory.scales = {"BTC": 8}
    assert not world.plan(wanted).changes
    world.directory.scales = {"BTC": 6}
    with pytest.raises(Conflict, match="scale 6 for good"):
        world.plan(wanted)
    world.directory.scales = {}
    world.directory.listers = {"BTC-USDT": Lister.FILE}
    assert not world.plan(wanted).changes
    world.directory.listers = {"BTC-USDT": Lister.BACK_OFFICE}
    with pytest.raises(Conflict, match="leave it out of the file") as refused:
        world.plan(wanted)
    assert refused.value.code == "market_listed_elsewhere"
