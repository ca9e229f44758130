"""What a run of records is folded to."""

import struct
from dataclasses import replace

import pytest

from bursa.journal.record import JournalRecord
from bursa.kernel.amounts import Units
from bursa.read_models import fold as projection
from bursa.read_models.account_rows import AccountRow
from bursa.read_models.fold import (
    Definitions,
    ReadModelChanges,
    UnprojectableRecord,
    add_known_order_fields,
    fold,
)
from bursa.read_models.projector import split_at_gaps
from bursa.read_models.rows import BalanceRow, Changes, ClientOrderRow, FeeTierRow
from tests.doubles.shard import ALICE, BOB, BTC, BTC_USDT, NOON_MS, USDT, Shard, buy, sell
from wire import codec
from wire import layout as w
from wire.digests import command_digest


def folded(shard: Shard) -> ReadModelChanges:
    return fold(shard.plain(), Definitions())


def test_definitions_become_rows_with_names() -> None:
    changes = folded(Shard())

    market = changes.markets["t1", "BTC-USDT"]
    assert market.whole
    assert market.values["base"] == "BTC"
    assert market.values["quote_scale"] == 10
    assert market.values["min_notional"] == 5
    assert [asset.symbol for asset in changes.assets] == ["BTC", "USDT"]
    assert changes.fee_tiers["t1", 0] == FeeTierRow("t1", 0, 1_000, 2_000, sequence=5)
    assert changes.definitions.markets[BTC_USDT].symbol == "BTC-USDT"


def test_the_settings_of_an_account_become_a_row() -> None:
    shard = Shard()
    frozen, kept = w.ACCOUNT_STATE_FROZEN, w.SETTING_KEPT
    shard.run(codec.encode_set_account(ALICE, stp_group=7, state=frozen))
    shard.run(codec.encode_set_account(ALICE, tier=kept, stp_group=kept))
    row = folded(shard).accounts["t1-1"]
    assert row == AccountRow("t1-1", 0, 7, "active", sequence=shard.next_sequence - 2)


def test_definitions_of_the_caller_do_not_grow() -> None:
    known = Definitions()
    fold(Shard().plain(), known)
    assert known == Definitions()


def test_new_order_is_whole_and_named_by_its_client() -> None:
    shard = Shard()
    order_id = shard.next_sequence
    shard.run(buy(ALICE, 23_512, 1_000), client_order_ids={0: "mine"})

    changes = folded(shard)

    change = changes.orders["t1-1", order_id]
    assert change.whole
    assert change.sequence == order_id
    assert (
        change.values
        | {
            "side": "buy",
            "type": "limit",
            "time_in_force": "gtc",
            "market": "BTC-USDT",
            "price": 23_512,
            "quantity": 1_000,
            "remaining": 1_000,
            "filled_quantity": 0,
            "status": "open",
            "close_reason": "none",
            "created_at_ms": NOON_MS + 20,
            "client_order_id": "mine",
        }
        == change.values
    )
    digest = command_digest(buy(ALICE, 23_512, 1_000))
    assert changes.client_orders == {
        ("t1-1", "mine"): ClientOrderRow("t1-1", "mine", order_id, digest)
    }
    assert change.values["request_digest"] == digest


def test_order_placed_filled_and_closed_in_one_run_is_one_change() -> None:
    shard = Shard()
    order_id = shard.next_sequence
    shard.run(buy(ALICE, 100, 10))
    shard.run(sell(BOB, 100, 4))
    shard.run(codec.encode_cancel(ALICE, order_id))

    change = folded(shard).orders["t1-1", order_id]

    assert change.whole
    assert change.sequence == shard.records[-1].last_sequence
    assert change.values["status"] == "cancelled"
    assert change.values["close_reason"] == "cancelled_by_user"
    assert change.values["remaining"] == 6
    assert change.values["filled_quantity"] == 4
    assert change.values["filled_quote"] == 400
    assert change.values["created_at_ms"] == NOON_MS + 20
    assert change.values["updated_at_ms"] == NOON_MS + 40


def test_order_from_before_the_run_keeps_what_the_run_cannot_know() -> None:
    shard = Shard()
    order_id = shard.next_sequence
    shard.run(buy(ALICE, 100, 10), client_order_ids={0: "mine"})
    definitions = folded(shard).definitions
    shard.run(codec.encode_cancel(ALICE, order_id))

    change = fold(shard.plain()[-1:], definitions).orders["t1-1", order_id]

    assert not change.whole
    assert change.values["status"] == "cancelled"
    assert not {"created_at_ms", "client_order_id", "trigger_price"} & set(change.values)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        pytest.param(
            {"order_type": w.TYPE_STOP_LIMIT, "trigger_price": 120},
            {"type": "stop_limit", "status": "pending_trigger", "trigger_price": 120},
            id="stop",
        ),
        pytest.param({"display_quantity": 3}, {"display_quantity": 3}, id="iceberg"),
        pytest.param(
            {"time_in_force": w.TIF_GTD, "expire_ms": NOON_MS + 10**6},
            {"time_in_force": "gtd", "expire_ms": NOON_MS + 10**6},
            id="good till date",
        ),
        pytest.param(
            {"post_only": True, "stp": w.STP_CANCEL_MAKER},
            {"post_only": True, "self_trade_prevention": "cancel_maker", "trigger_price": 0},
            id="post only",
        ),
    ],
)
def test_rare_terms_are_kept(terms: dict[str, int], expected: dict[str, object]) -> None:
    shard = Shard()
    order_id = shard.next_sequence
    shard.run(sell(BOB, 130, 1), sell(BOB, 130, 1))
    order_id = shard.next_sequence
    shard.run(buy(ALICE, 110, 10, **terms))

    values = folded(shard).orders["t1-1", order_id].values

    assert values | expected == values


def test_market_buy_by_quote_amount_says_what_it_bought() -> None:
    shard = Shard()
    shard.run(sell(BOB, 100, 50))
    order_id = shard.next_sequence
    shard.run(buy(ALICE, 0, 0, order_type=w.TYPE_MARKET, quote_amount=1_000))

    values = folded(shard).orders["t1-1", order_id].values

    assert values["quote_amount"] == 1_000
    assert values["filled_quantity"] == 10
    assert values["status"] == "filled"


def test_trade_is_one_public_row_and_a_fill_for_each_side() -> None:
    shard = Shard()
    maker = shard.next_sequence
    shard.run(buy(ALICE, 1_000, 1_000))
    taker = shard.next_sequence
    shard.run(sell(BOB, 900, 400))

    changes = folded(shard)

    (trade,) = changes.trades
    assert (trade.tenant, trade.market, trade.price, trade.quantity) == (
        "t1",
        "BTC-USDT",
        1_000,
        400,
    )
    assert trade.taker_side == "sell"
    by_role = {fill.role: fill for fill in changes.fills}
    assert by_role["maker"].account == "t1-1"
    assert by_role["maker"].order_id == maker
    assert (by_role["maker"].side, by_role["maker"].fee_asset) == ("buy", "BTC")
    assert by_role["taker"].account == "t1-2"
    assert by_role["taker"].order_id == taker
    assert (by_role["taker"].side, by_role["taker"].fee_asset) == ("sell", "USDT")
    assert by_role["taker"].fee == 800  # 2,000 ppm of 400,000


def test_rebate_is_paid_in_what_the_maker_gives() -> None:
    shard = Shard()
    shard.run(codec.encode_set_fee_tier(1, 0, -1_000, 2_000), buy(ALICE, 1_000, 1_000))
    shard.run(sell(BOB, 900, 1_000))

    maker = next(fill for fill in folded(shard).fills if fill.role == "maker")

    assert (maker.side, maker.fee, maker.fee_asset) == ("buy", -1_000, "USDT")


def test_last_balance_of_a_run_is_what_counts() -> None:
    shard = Shard()
    shard.run(codec.encode_funds(w.COMMAND_DEBIT, ALICE, USDT, 1))
    shard.run(codec.encode_funds(w.COMMAND_DEBIT, ALICE, USDT, 2))

    assert folded(shard).balances["t1-1", "USDT"] == BalanceRow(
        "t1-1", "USDT", Units(10**15 - 3), Units(0), NOON_MS + 30, shard.records[-1].last_sequence
    )


def test_refused_command_changes_no_row() -> None:
    shard = Shard()
    definitions = folded(shard).definitions
    shard.run(buy(ALICE, 100, 10**14), codec.encode_cancel(BOB, 999), codec.encode_reject(BOB))

    changes = fold(shard.plain()[-1:], definitions)

    assert [changes.orders, changes.balances, changes.books, changes.markets] == [{}, {}, {}, {}]
    assert changes.fills == []


def test_market_state_reaches_the_definition() -> None:
    shard = Shard()
    shard.run(codec.encode_set_market_state(BTC_USDT, w.STATE_HALTED))
    assert folded(shard).markets["t1", "BTC-USDT"].values["state"] == "halted"


def damaged(record: JournalRecord, **fields: object) -> JournalRecord:
    return replace(record, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        pytest.param({"events": b"123"}, "whole words", id="torn word"),
        pytest.param({"events": b"\x63" + bytes(7)}, "word 99", id="does not begin with a result"),
        pytest.param({"last_sequence": 99}, "ends at", id="ends early"),
        pytest.param({"first_sequence": 3}, "was due", id="begins elsewhere"),
    ],
)
def test_record_that_is_no_record_is_named(fields: dict[str, object], why: str) -> None:
    shard = Shard()
    with pytest.raises(UnprojectableRecord, match=why):
        fold([damaged(shard.plain()[0], **fields)], Definitions())


def test_record_about_an_unknown_market_is_named() -> None:
    shard = Shard()
    shard.run(buy(ALICE, 100, 1))
    with pytest.raises(UnprojectableRecord) as caught:
        fold(shard.plain()[1:], Definitions())
    assert caught.value.first_sequence == shard.records[1].first_sequence


def test_record_about_an_account_of_no_tenant_is_named() -> None:
    shard = Shard()
    events = shard.plain()[0].events + words(w.EVENT_BALANCE << w.EVENT_KIND_SHIFT | BTC, 0, 1, 0)
    with pytest.raises(UnprojectableRecord, match="Tenant"):
        fold([damaged(shard.plain()[0], events=events)], Definitions())


def words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)


@pytest.mark.parametrize(
    ("numbers", "applied", "expected"),
    [
        pytest.param([1, 2, 3], 0, [[1, 2, 3]], id="in order"),
        pytest.param([3, 1, 2], 0, [[1, 2, 3]], id="out of order"),
        pytest.param([1, 1, 2, 2], 0, [[1, 2]], id="repeated"),
        pytest.param([1, 2, 3], 2, [[3]], id="some applied"),
        pytest.param([1, 2], 2, [], id="all applied"),
        pytest.param([1, 2, 4, 5, 7], 0, [[1, 2], [4, 5], [7]], id="gaps"),
        pytest.param([], 5, [], id="none"),
    ],
)
def test_runs_end_where_records_are_missing(
    numbers: list[int], applied: int, expected: list[list[int]]
) -> None:
    shard = Shard(opened=False)
    for _ in range(7):
        shard.run()
    records = shard.plain()

    runs = split_at_gaps([records[number - 1] for number in numbers], applied)

    assert [[record.number for record in run] for run in runs] == expected


def test_known_order_is_whole_again_when_it_closes() -> None:
    shard = Shard()
    order_id = shard.next_sequence
    shard.run(buy(ALICE, 100, 10, display_quantity=3), client_order_ids={0: "mine"})
    first = folded(shard)
    shard.run(codec.encode_cancel(ALICE, order_id))
    in_one_run = folded(shard).orders["t1-1", order_id]
    second = fold(shard.plain()[-1:], first.definitions)
    known: dict[tuple[str, int], Changes] = {}

    add_known_order_fields(first, known)
    assert list(known) == [("t1-1", order_id)]
    add_known_order_fields(second, known)

    assert second.orders["t1-1", order_id] == in_one_run
    assert known == {}


def test_unknown_order_stays_a_part() -> None:
    shard = Shard()
    order_id = shard.next_sequence
    shard.run(buy(ALICE, 100, 10))
    definitions = folded(shard).definitions
    shard.run(sell(BOB, 100, 1))
    changes = fold(shard.plain()[-1:], definitions)
    known: dict[tuple[str, int], Changes] = {}

    add_known_order_fields(changes, known)

    assert not changes.orders["t1-1", order_id].whole
    assert known == {}


def test_only_the_newest_open_orders_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "OPEN_ORDERS_KEPT_MAX", 2)
    shard = Shard()
    order_id = shard.next_sequence
    shard.run(*[buy(ALICE, price, 1) for price in (100, 101, 102)])
    known: dict[tuple[str, int], Changes] = {}
    add_known_order_fields(folded(shard), known)
    assert [key[1] for key in known] == [order_id + 1, order_id + 2]
