"""Commands and events by the names of their fields."""

import pytest

from scripts.journal_text import COMMAND_FIELDS, JournalText, account_text, actor_text
from wire import codec
from wire import layout as w
from wire.codec import encode_define_asset, encode_place, pack_symbol
from wire.events import Asset, Event, Market, MarketDefinition, Order, Transfer

ALICE = w.account_number(1, 2)


def defined() -> JournalText:
    text = JournalText()
    text.define(Asset(1, 1, 1, 8, *pack_symbol("BTC")))
    text.define(Asset(2, 2, 1, 2, *pack_symbol("USDT")))
    text.define(MarketDefinition(3, 7, 1, 1, 2, 10, 1, w.STATE_OPEN, *pack_symbol("BTC-USDT")))
    return text


def decoded(command: bytes) -> codec.Command:
    (one,) = codec.decode_commands(command)
    return one


@pytest.mark.parametrize("kind", range(1, w.COMMAND_KIND_LAST + 1), ids=w.COMMAND_NAMES.get)
def test_every_word_that_a_command_may_use_has_a_name(kind: int) -> None:
    assert len(COMMAND_FIELDS[kind]) == w.COMMAND_WORDS_USED[kind] - w.HEADER_LENGTH


def test_an_order_is_written_with_its_flags_by_name() -> None:
    command = encode_place(ALICE, 7, w.SIDE_BUY, 95, 10, post_only=True, stp=w.STP_CANCEL_MAKER)
    assert defined().command(decoded(command)) == {
        "market": "BTC-USDT",
        "side": "buy",
        "type": "limit",
        "time_in_force": "gtc",
        "stp": "cancel_maker",
        "post_only": "yes",
        "price": 95,
        "quantity": 10,
    }


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        pytest.param(
            Transfer(9, w.TRANSFER_KIND_CREDIT, 2, ALICE, 0, 500, 0, 4),
            {"transfer_kind": "credit", "asset": "USDT", "account": "t1-2", "amount": 500,
             "reference_low": 4},
            id="money",
        ),
        pytest.param(
            Market(9, 7, w.STATE_HALTED, 95, 0, 0, 0),
            {"market": "BTC-USDT", "market_state": "halted", "last_price": 95},
            id="market",
        ),
        pytest.param(
            MarketDefinition(9, 8, 1, 2, 3, 10, 1, w.STATE_OPEN, *pack_symbol("USDT-X")),
            {"market": 8, "tenant": 1, "base": "USDT", "quote": 3, "lot_units": 10,
             "tick_units": 1, "market_state": "open", "symbol": "USDT-X"},
            id="what is not defined goes by its number",
        ),
    ],
)  # fmt: skip
def test_an_event_is_written_by_name(event: Event, fields: dict[str, object]) -> None:
    assert defined().event(event) == {"event": type(event).__name__, **fields}


def test_a_closed_order_says_why() -> None:
    status = w.STATUS_CANCELLED << w.STATUS_SHIFT
    closed = w.CLOSE_CANCELLED_BY_USER << w.CLOSE_SHIFT
    flags = w.pack_flags(w.SIDE_SELL, w.TYPE_LIMIT, w.TIF_GTC) | status | closed
    fields = defined().event(Order(9, 5, ALICE, 0, 1, 7, flags, 95, 10, 10, 0))

    assert (fields["status"], fields["close_reason"]) == ("cancelled", "cancelled_by_user")


def test_a_definition_is_written_with_its_symbol() -> None:
    command = encode_define_asset(1, 1, 8, "BTC")
    expected = {"asset": 1, "tenant": 1, "scale": 8, "symbol": "BTC"}
    assert JournalText().command(decoded(command)) == expected


def test_words_of_an_unknown_kind_go_by_their_place() -> None:
    command = decoded(codec.encode(31, ALICE, 0, 77))
    assert JournalText().command(command) == {f"word_{w.HEADER_LENGTH + 1}": 77}


def test_accounts_and_actors_are_written_as_people_know_them() -> None:
    assert [account_text(0), account_text(ALICE)] == ["", "t1-2"]
    user = w.ACTOR_USER << w.ACTOR_KIND_SHIFT | 0xABC
    assert [actor_text(0), actor_text(user)] == ["system", "user 00000000000abc"]
