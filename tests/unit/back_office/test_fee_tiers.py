"""Fee tiers in the back office, and the daily run that sets them: one exchange for both."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from bursa.accounts.dynamodb import AccountSettings
from bursa.aws.clients import events_client
from bursa.back_office.fee_effects import TiersOfTenant
from bursa.bootstrap.fee_tiers import open_fee_tiers
from bursa.fees.daily_run import RunReport
from bursa.fees.records_dynamodb import FeeRecords
from bursa.fees.schedule import FeeSchedule, Rates
from bursa.intake.message import Delivery, decode_message
from bursa.intake.queue_kinds import QueueKind
from bursa.kernel.errors import Conflict, Unavailable
from bursa.kernel.identifiers import AccountId, TenantId
from tests.doubles.exchange import NOON_MS, TENANT
from tests.doubles.shard import BTC_USDT
from tests.unit.back_office.office import Office, opened_office
from tests.unit.back_office.people import (
    ALICE,
    BOB,
    CLEO,
    EVE,
    FINN,
    ROLES,
    approve,
    ask,
    eves_account,
    user_path,
)
from tests.unit.conftest import Response
from wire import codec
from wire import layout as w
from worker.message_check import check_message

DAY_MS = 86_400_000
PATH = "/admin/fee-tiers"
TIERS: dict[str, Any] = {
    "currency": "USDT",
    "tiers": [
        {"volume": "0", "maker_ppm": 1_000, "taker_ppm": 2_000},
        {"volume": "50", "maker_ppm": -100, "taker_ppm": 1_500},
        {"volume": "100000", "maker_ppm": -300, "taker_ppm": 900},
    ],
    "reason": "The campaign of spring",
}


@contextmanager
def staffed() -> Iterator[Office]:
    with opened_office() as found:
        for who in (BOB, FINN, CLEO):
            found.add(who, ROLES[who])
        events_client().create_event_bus(Name="bursa")
        yield found


@pytest.fixture
def office() -> Iterator[Office]:
    with staffed() as found:
        yield found


def set_tiers(office: Office, body: Any = TIERS) -> Response:
    asked = ask(office, FINN, PATH, body)
    assert (asked.status, asked.body["state"]) == (200, "proposed"), asked
    return approve(office, BOB, asked.body["proposal"])


def pin(office: Office, tier: int | None) -> Response:
    body = {"tier": tier, "reason": "A market maker"}
    asked = ask(office, FINN, user_path(office, "fee-tier"), body)
    assert (asked.status, asked.body["state"]) == (200, "proposed"), asked
    return approve(office, BOB, asked.body["proposal"])


def tier_of(office: Office, account: AccountId) -> int | None:
    row = AccountSettings(office.exchange._dynamodb, "balances").settings(account)
    return None if row is None else row.tier


def fees_of(office: Office, who: str = EVE) -> Any:
    found = office.send(ALICE, "GET", f"/admin/users/{office.people[TENANT, who]}/fees")
    assert found.status == 200, found
    return found.body


def trade(office: Office, price: int = 60_000_00, lots: int = 100_000) -> None:
    """Have eve buy of an account that is nobody's."""
    eve = eves_account(office).number
    other = w.account_number(TENANT.number, 77)
    office.exchange.commit(
        [
            codec.encode_funds(w.COMMAND_CREDIT, eve, 2, 10**15),
            codec.encode_funds(w.COMMAND_CREDIT, other, 1, 10**12),
            codec.encode_place(other, BTC_USDT, w.SIDE_SELL, price, lots),
            codec.encode_place(eve, BTC_USDT, w.SIDE_BUY, price, lots),
        ]
    )


def run(office: Office) -> RunReport:
    services = open_fee_tiers(office.clock)
    failures: list[object] = []
    report = services.run(lambda: True, lambda *one: failures.append(one), lambda *_: None)(TENANT)
    assert not failures
    return report


def test_what_is_not_set_is_one_tier_for_everybody(office: Office) -> None:
    found = office.send(ALICE, "GET", PATH)
    assert found.body == {
        "currency": None,
        "tiers": [{"tier": 0, "volume": "0", "maker_ppm": 1_000, "taker_ppm": 2_000}],
    }
    assert fees_of(office)["next_tier"] is None


def test_tiers_are_set_by_two_and_the_log_says_what_was_there(office: Office) -> None:
    done = set_tiers(office)
    assert done.status == 200, done
    shown = {
        "currency": "USDT",
        "tiers": [{"tier": n, **one} for n, one in enumerate(TIERS["tiers"])],
    }
    assert done.body["after"] == shown
    assert office.send(ALICE, "GET", PATH).body == shown
    intent, outcome = office.entries()[-2:]
    assert (intent["action"], intent["before"]["currency"]) == ("set_fee_tiers", None)
    assert outcome["after"] == shown
    # And down again, past rates that no order of the commands alone would allow.
    tiers = [TIERS["tiers"][0] | {"maker_ppm": -10, "taker_ppm": 10}]
    assert set_tiers(office, TIERS | {"tiers": tiers}).status == 200
    assert [one["maker_ppm"] for one in office.send(ALICE, "GET", PATH).body["tiers"]] == [-10]


@pytest.mark.parametrize(
    ("now", "is_refused"),
    [
        pytest.param({0: Rates(9, 9)}, False, id="as it was"),
        pytest.param({0: Rates(5, 9)}, False, id="done before"),
        pytest.param({0: Rates(5, 9), 1: Rates(1, 7)}, False, id="all of it done before"),
        pytest.param({0: Rates(8, 8)}, True, id="other rates"),
        pytest.param({0: Rates(9, 9), 2: Rates(0, 0)}, True, id="a tier that nobody has seen"),
    ],
)
def test_rates_that_somebody_else_has_set_since_are_not_written_over(
    now: dict[int, Rates], is_refused: bool
) -> None:
    tools: Any = SimpleNamespace(markets=SimpleNamespace(fee_rates=lambda _: now))
    records: Any = None
    effect = TiersOfTenant(tools, records, TENANT, {})
    wanted = [Rates(5, 9), Rates(1, 7)]
    with pytest.raises(Conflict) if is_refused else nullcontext():
        effect._require_unchanged({0: Rates(9, 9)}, wanted)


def test_a_run_waits_for_what_the_read_models_lack_of_the_day(office: Office) -> None:
    set_tiers(office)
    exchange = office.exchange
    exchange.project = False
    trade(office)
    exchange.time_ms = NOON_MS + DAY_MS
    records = len(exchange.records)
    with pytest.raises(Unavailable) as caught:
        run(office)
    assert caught.value.code == "read_models_late"
    assert tier_of(office, eves_account(office)) is None
    # What it has asked for to find out changes nothing, and comes once the rest has.
    assert len(exchange.records) == records + 1
    message = decode_message(exchange.delivered[-1])
    group = str(TENANT.fee_account)
    delivery = Delivery("", "", group, message.message_id, 0, 1, QueueKind.FUNDS)
    check_message(message, delivery, exchange.time_ms)
    exchange.project = True
    run(office)
    assert tier_of(office, eves_account(office)) == 1


def test_volume_sets_the_tier_and_the_user_is_told(office: Office) -> None:
    set_tiers(office)
    trade(office)
    office.exchange.time_ms = NOON_MS + DAY_MS
    assert run(office).changed >= 1
    assert tier_of(office, eves_account(office)) == 1
    own = fees_of(office)
    assert (own["tier"], own["pinned"], own["currency"]) == (1, False, "USDT")
    assert float(own["volume"]) >= 50
    assert own["next_tier"]["tier"] == 2
    assert own["markets"] == [
        {"market": market, "maker_ppm": -100, "taker_ppm": 1_500}
        for market in ("BTC-IDR", "BTC-USDT")
    ]
    # And once is enough.
    assert run(office) == RunReport()


def test_a_pinned_tier_holds_whatever_is_traded_until_it_is_pinned_no_more(office: Office) -> None:
    set_tiers(office)
    assert pin(office, 2).body["after"] == {"tier": 2}
    assert tier_of(office, eves_account(office)) == 2
    trade(office)
    office.exchange.time_ms = NOON_MS + DAY_MS
    run(office)
    assert tier_of(office, eves_account(office)) == 2
    assert fees_of(office)["pinned"]
    assert pin(office, None).status == 200
    assert tier_of(office, eves_account(office)) == 1


def test_who_is_frozen_stays_frozen_when_its_tier_is_set(office: Office) -> None:
    set_tiers(office)
    ask(office, ALICE, user_path(office, "freeze"), {"reason": "x"})
    pin(office, 2)
    row = AccountSettings(office.exchange._dynamodb, "balances").settings(eves_account(office))
    assert row is not None
    assert (row.tier, row.state) == (2, "frozen")
    # And who is let go keeps its tier.
    asked = ask(office, ALICE, user_path(office, "unfreeze"), {"reason": "x"})
    approve(office, BOB, asked.body["proposal"])
    row = AccountSettings(office.exchange._dynamodb, "balances").settings(eves_account(office))
    assert row is not None
    assert (row.tier, row.state) == (2, "active")


def test_a_pin_that_broke_off_does_not_undo_a_later_one(office: Office) -> None:
    set_tiers(office)
    body = {"tier": 2, "reason": "A market maker"}
    first = ask(office, FINN, user_path(office, "fee-tier"), body).body["proposal"]
    office.exchange.asleep = True
    assert approve(office, BOB, first).status == 503
    office.exchange.asleep = False
    assert pin(office, None).status == 200
    assert not fees_of(office)["pinned"]
    # Whoever approved it sends it again until it is made.
    again = approve(office, BOB, first)
    assert (again.status, again.body["code"]) == (409, "overtaken")
    assert not fees_of(office)["pinned"]
    assert tier_of(office, eves_account(office)) == 0
    refused = approve(office, BOB, first)
    assert (refused.status, refused.body["code"]) == (409, "already_refused")


def test_of_two_schedules_that_are_written_at_once_one_is_refused(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = FeeRecords(office.exchange._dynamodb, "directory")
    earlier, later = (FeeSchedule("USDT", 2, (100,), since_ms=at) for at in (1, 2))
    read = records._row

    def read_before_the_other_writes(tenant: TenantId, sort: str, *names: str) -> Any:
        found = read(tenant, sort, *names)
        monkeypatch.undo()
        records.write_schedule(tenant, later)
        return found

    monkeypatch.setattr(records, "_row", read_before_the_other_writes)
    with pytest.raises(Conflict) as caught:
        records.write_schedule(TENANT, earlier)
    assert caught.value.code == "overtaken"
    assert records.schedule(TENANT) == later
