"""Markets that a back office lists: by two people, once, whole, and only its own tenant's."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bursa.back_office import new_market
from bursa.compliance.cases import DEFAULT_POLICY
from bursa.compliance.levels import DEFAULT_LEVELS, Allowance, Operation
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.compliance.steps import Rules
from bursa.kernel import keys
from bursa.tenants.listing_numbers_dynamodb import ListingNumbers
from tests.doubles.exchange import TENANT
from tests.unit.back_office.office import OTHER, Office, opened_office
from tests.unit.back_office.people import ALICE, BOB, CLEO, FINN, OLGA, ROLES, approve, ask
from wire import layout as w

PATH = "/admin/markets/ETH-USDT/listing"
# Those that the engine of these tests has are fewer.
NUMBERED = 100
LISTING: dict[str, Any] = {
    "tick_size": "0.01",
    "lot_size": "0.0001",
    "base_scale": 9,
    "opening_price": "3000",
    "state": "open",
    "min_notional": "10",
    "max_quantity": "500",
    "max_price": "0",
    "collar_ppm": 200_000,
    "market_collar_ppm": 50_000,
    "breaker_ppm": 100_000,
    "reference_interval_ms": 60_000,
    "least_orders": 100,
    "auction_ms": 120_000,
    "reason": "Asked for by many",
}
UNPROTECTED = {"collar_ppm": 0, "market_collar_ppm": 0, "breaker_ppm": 0, "opening_price": None}


@pytest.fixture
def office() -> Iterator[Office]:
    with opened_office() as found:
        for who in (BOB, CLEO, FINN):
            found.add(who, ROLES[who])
        for counter in ("asset", "market"):
            found.exchange._dynamodb.put_item(
                TableName="directory",
                Item={
                    "pk": {"S": keys.DEPLOYMENT},
                    "sk": {"S": keys.counter(counter)},
                    "value": {"N": str(NUMBERED)},
                },
            )
        yield found


def numbers(office: Office) -> ListingNumbers:
    return ListingNumbers(office.exchange._dynamodb, "directory")


def listed(office: Office) -> list[int]:
    """Return the markets that the engine has of those that a back office has listed."""
    return sorted(number for number in office.exchange.engine.state.markets if number > NUMBERED)


def shown(office: Office, symbol: str = "ETH-USDT") -> dict[str, Any]:
    items = office.send(ALICE, "GET", "/admin/markets").body["items"]
    [found] = [one for one in items if one["market"] == symbol]
    return dict(found)


def test_two_people_list_a_market_and_it_opens_with_its_protection(office: Office) -> None:
    asked = ask(office, CLEO, PATH, LISTING)
    assert asked.body["state"] == "proposed", asked
    assert not listed(office)
    assert approve(office, FINN, asked.body["proposal"]).body["code"] == "role_may_not"
    done = approve(office, BOB, asked.body["proposal"])
    assert done.status == 200, done
    state = office.exchange.engine.state
    market = state.markets[NUMBERED + 1]
    assert listed(office) == [NUMBERED + 1]
    assert (market.tenant, market.quote, market.state) == (TENANT.number, 2, w.STATE_OPEN)
    assert (state.assets[market.base].scale, market.base) == (9, NUMBERED + 1)
    # A lot of 0.0001 ETH; of it a cent is 0.000001 USDT.
    assert (market.lot_units, market.tick_units) == (10**5, 10**4)
    assert (market.limits.collar_ppm, market.limits.auction_ms) == (200_000, 120_000)
    assert market.limits.least_value == 100 * market.limits.min_notional
    assert (shown(office)["state"], shown(office)["breaker_ppm"]) == ("open", 100_000)
    outcome = office.entries()[-1]
    assert (outcome["result"], outcome["before"]) == ("done", {"assets": ["USDT"]})
    assert outcome["after"] == {
        name: LISTING.get(name) for name in (*LISTING, "quote_scale") if name != "reason"
    }
    again = ask(office, CLEO, PATH, LISTING)
    assert (again.status, again.body["code"]) == (409, "market_exists")


def test_a_repeat_lists_nothing_twice(office: Office) -> None:
    first = ask(office, ALICE, PATH, LISTING, key="eth")
    assert ask(office, ALICE, PATH, LISTING, key="eth").body == first.body
    for _ in range(2):
        assert approve(office, BOB, first.body["proposal"]).status == 200
    assert listed(office) == [NUMBERED + 1]


def test_what_broke_off_before_it_opened_is_opened_by_a_repeat(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = ask(office, ALICE, PATH, LISTING).body["proposal"]
    work = office.clock.sleep_ms

    def sleep_ms(duration_ms: float) -> None:
        if listed(office):
            # The worker is away.
            office.clock.slept_ms += duration_ms
        else:
            work(duration_ms)

    with monkeypatch.context() as patch:
        patch.setattr(office.clock, "sleep_ms", sleep_ms)
        broken = approve(office, BOB, proposal)
    assert broken.status == 503, broken
    assert shown(office)["state"] == "halted"
    assert approve(office, BOB, proposal).status == 200
    assert shown(office)["state"] == "open"
    assert listed(office) == [NUMBERED + 1]


def test_assets_that_are_there_keep_their_scale(office: Office) -> None:
    path = "/admin/markets/IDR-USDT/listing"
    steps = {"tick_size": "0.000001", "lot_size": "0.01", "opening_price": "0.00006"}
    body = LISTING | steps | {"base_scale": None, "quote_scale": 10, "max_quantity": "0"}
    done = approve(office, BOB, ask(office, ALICE, path, body).body["proposal"])
    assert done.status == 200, done
    market = office.exchange.engine.state.markets[NUMBERED + 1]
    assert (market.base, market.quote) == (3, 2)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"base_scale": None}, "missing_scale"),
        ({"base_scale": 19}, "invalid_base_scale"),
        ({"quote_scale": 6}, "scale_fixed"),
        ({"tick_size": "0"}, "tick_size_not_positive"),
        ({"tick_size": "0.000000000001"}, "invalid_tick_size"),
        ({"lot_size": "0.0000000001"}, "invalid_lot_size"),
        ({"lot_size": "9000000000000"}, "lot_size_too_large"),
        ({"opening_price": None}, "opening_price_missing"),
        ({"opening_price": "3000.001"}, "invalid_opening_price"),
        ({"state": "auction"}, "invalid_state"),
        ({"max_quantity": "900000000000"}, "max_quantity_too_large"),
        ({"min_notional": "-1"}, "min_notional_not_positive"),
        ({"collar_ppm": 4_000_001}, "invalid_collar_ppm"),
        ({"fees": 1}, "unknown_field"),
    ],
    ids=str,
)
def test_what_can_be_no_market_is_not_proposed(
    office: Office, changes: dict[str, Any], code: str
) -> None:
    response = ask(office, ALICE, PATH, LISTING | changes)
    assert (response.status, response.body["code"]) == (400, code)
    assert not office.entries()


@pytest.mark.parametrize(
    "name",
    ["ETHUSDT", "ETH-ETH", "eth-usdt", "ETH-USDT-X", "A" * 11 + "-USDT", "-USDT", "ETH-USDT\n"],
)
def test_a_market_is_named_by_its_two_assets(office: Office, name: str) -> None:
    response = ask(office, ALICE, f"/admin/markets/{name}/listing", LISTING)
    assert response.body["code"] in {"invalid_market", "unknown_route"}
    assert not office.entries()


def test_without_protection_it_needs_no_opening_price(office: Office) -> None:
    asked = ask(office, ALICE, PATH, LISTING | UNPROTECTED | {"state": "post_only"})
    assert approve(office, BOB, asked.body["proposal"]).status == 200
    assert shown(office)["state"] == "post_only"


def test_what_became_impossible_until_it_was_approved_is_not_made(office: Office) -> None:
    first = ask(office, ALICE, PATH, LISTING).body["proposal"]
    second = ask(office, CLEO, PATH, LISTING | {"base_scale": 8}).body["proposal"]
    assert approve(office, BOB, first).status == 200
    late = approve(office, BOB, second)
    assert (late.status, late.body["code"]) == (409, "market_exists")
    other = "/admin/markets/ETH-IDR/listing"
    wrong = ask(office, ALICE, other, LISTING | {"base_scale": 8, "tick_size": "100"})
    assert wrong.body["code"] == "scale_fixed"


def test_what_another_lists_at_the_same_moment_is_not_taken_for_the_same(office: Office) -> None:
    proposal = ask(office, ALICE, PATH, LISTING).body["proposal"]
    numbers(office).asset(TENANT, "ETH", 8)
    late = approve(office, BOB, proposal)
    assert (late.status, late.body["code"]) == (409, "asset_fixed")
    assert not listed(office)


def test_a_brand_has_its_own_markets_and_no_more_than_its_share(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = LISTING | {"quote_scale": 6}
    theirs = office.send(OLGA, "POST", PATH, body, tenant=OTHER)
    assert theirs.body["state"] == "proposed"
    assert approve(office, BOB, theirs.body["proposal"]).body["code"] == "unknown_proposal"
    monkeypatch.setattr(new_market, "MARKETS_MAX", 2)
    refused = ask(office, ALICE, PATH, LISTING)
    assert (refused.status, refused.body["code"]) == (409, "too_many_markets")


def test_what_is_traded_can_be_counted_for_levels(office: Office) -> None:
    one, *others = DEFAULT_LEVELS.levels
    limited = replace(one, allows={**one.allows, Operation.TRADE: Allowance(1_000, 1_000)})
    levels = replace(DEFAULT_LEVELS, levels=(limited, *others), currency="USDT")
    rules = RulesTable(office.exchange._dynamodb, "directory")
    rules.write(TENANT, Rules(levels, DEFAULT_POLICY, "manual"))
    path = "/admin/markets/ETH-XYZ/listing"
    response = ask(office, ALICE, path, LISTING | {"quote_scale": 6})
    assert (response.status, response.body["code"]) == (400, "invalid_levels")
    assert ask(office, ALICE, PATH, LISTING).body["state"] == "proposed"
