"""What the fast engine relies on without looking: offsets, sizes, how its source is compiled."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from engine import build
from engine.checkpoint import SECTIONS
from engine.core import records as r
from engine.digest import BLOCK_WORDS, KEYS, MULTIPLIER
from engine.reference.model import Conditions
from wire import events as e
from wire import layout as w

# First offset and size of each record, and the prefix of its fields.
RECORDS = {
    "asset": ("ASSET_", r.ASSET_WORDS, {"ASSET_LIST", "ASSET_WORDS", "ASSET_SAVED_WORDS"}),
    "market": ("M_", r.M_BOOKS, {"M_BOOKS"}),
    "book": ("B_", r.BOOK_WORDS, set()),
    "order": ("O_", r.ORDER_WORDS, set()),
    "conditions": ("COND_", r.CONDITIONS_WORDS, {"COND_FIRST"}),
    "level": ("L_", r.LEVEL_WORDS, {"L_TRAIL_ROOT"}),
    "entry of a heap": ("MELD_", r.CONDITIONS_WORDS, set()),
    "node": ("N_", r.NODE_WORDS, set()),
    "account": ("A_", r.ACCOUNT_WORDS, set()),
    "balance": ("BAL_", r.BALANCE_WORDS, set()),
    "hold": ("H_", r.HOLD_WORDS, set()),
    "id": ("I_", r.ID_WORDS, set()),
    "tenant": ("TENANT_", r.TENANT_WORDS, {"TENANT_WORDS"}),
    "tier": ("TIER_", r.TIER_WORDS, {"TIER_WORDS"}),
}

EQUAL = {
    # A level and an account are links of the rings that their orders are in.
    "head of a level's ring": (r.L_HEAD, r.O_NEXT),
    "tail of a level's ring": (r.L_TAIL, r.O_PREVIOUS),
    "head of an account's ring": (r.A_ORDER_HEAD, r.O_ACCOUNT_NEXT),
    "tail of an account's ring": (r.A_ORDER_TAIL, r.O_ACCOUNT_PREVIOUS),
    # Heaps hold conditions and accounts alike.
    "number of an account": (r.A_NUMBER, r.HEAP_NUMBER),
    "number of conditions": (r.COND_ORDER_ID, r.HEAP_NUMBER),
    "deadline of an account": (r.A_DEADLINE_MS, r.HEAP_DUE_MS),
    "expiry of conditions": (r.COND_EXPIRE_MS, r.HEAP_DUE_MS),
    "heap position of an account": (r.A_HEAP_POSITION, r.HEAP_POSITION),
    "heap position of conditions": (r.COND_HEAP_POSITION, r.HEAP_POSITION),
    # ``index.account_of``, ``changes.find_target``: the guess may be an order or an account.
    "number of an account is where an order's id is": (r.A_NUMBER, r.O_ID),
    # Command words copied unchanged.
    "definition of a market": (
        r.M_SYMBOL_LOW - r.M_NUMBER,
        w.DEFINE_MARKET_SYMBOL_LOW - w.DEFINE_MARKET_MARKET,
    ),
    "limits of a market": (
        r.M_AUCTION_MS - r.M_MIN_NOTIONAL,
        w.LIMITS_AUCTION_MS - w.LIMITS_MIN_NOTIONAL,
    ),
    "epoch": (r.S_EPOCH + w.EPOCH_LENGTH - 1, r.S_REJECTIONS_MS),
    "what a head saves last": (r.S_REJECTIONS_MS + 1, r.S_SEQUENCE + r.S_SAVED_WORDS),
    "fingerprints of placed orders": (
        r.PLACED_FINGERPRINT_MASK + 1,
        1 << r.PLACED_FINGERPRINT_BITS,
    ),
    "asset event": (
        w.DEFINE_ASSET_SYMBOL_LOW - w.DEFINE_ASSET_ASSET + 1,
        w.ASSET_LENGTH - 1,
    ),
    "market event": (
        w.DEFINE_MARKET_SYMBOL_LOW - w.DEFINE_MARKET_MARKET + 1,
        w.DEFINITION_LENGTH - 1,
    ),
    "limits event": (
        w.LIMITS_AUCTION_MS - w.LIMITS_MARKET + 1,
        w.MARKET_LIMITS_LENGTH - 1,
    ),
    # ``changes.find_target`` reads a change by the words of a cancel.
    "order of a change": (w.CHANGE_ORDER_ID, w.CANCEL_ORDER_ID),
    "target of a change, high": (w.CHANGE_TARGET_HIGH, w.CANCEL_TARGET_HIGH),
    "target of a change, low": (w.CHANGE_TARGET_LOW, w.CANCEL_TARGET_LOW),
    # ``prefetch.prefetch_index``: the account is right before the order's id.
    "account before the order": (w.HEADER_ACCOUNT + 1, w.CANCEL_ORDER_ID),
    # ``emit.emit_words`` emits all of them.
    "length of an account's event": (w.ACCOUNT_LENGTH, w.HOLD_LENGTH),
    "length of a tenant's limits' event": (w.TENANT_LIMITS_LENGTH, w.HOLD_LENGTH),
    "length of a fee tier's event": (w.FEE_TIER_LENGTH, w.HOLD_LENGTH),
    # ``dispatch.check_shape`` knows the words of the two most frequent kinds.
    "words of a PLACE": (
        w.COMMAND_WORDS_USED[w.COMMAND_PLACE],
        w.PLACE_CONDITIONS + w.PLACE_CONDITIONS_COUNT,
    ),
    # ``place``, ``emit`` and ``checkpoint`` copy the conditions as they stand.
    "conditions": (len(e.CONDITIONS), w.CONDITIONS_COUNT),
    "words of a trail": (len(e.TRAIL), w.TRAIL_COUNT),
    "all of them but the activation price": (
        w.PLACE_CONDITIONS_COUNT,
        w.CONDITIONS_COUNT + w.TRAIL_COUNT - 1,
    ),
    "the trail follows the conditions": (w.PLACE_TRAIL, w.PLACE_CONDITIONS + w.CONDITIONS_COUNT),
    "orders": (SECTIONS["orders"], 13 + w.CONDITIONS_COUNT + w.TRAIL_COUNT),
    # ``melds``: orders, by their conditions, and levels are entries of heaps.
    "the heap of a level is where own lots are": (r.L_TRAIL_ROOT, r.L_OWN),
    "conditions follow a PLACE's own words": (w.PLACE_CONDITIONS, w.PLACE_QUANTITY + 1),
    "conditions follow their order's id": (w.CONDITIONS_FIRST, w.CONDITIONS_ORDER_ID + 1),
    "words of a CANCEL": (w.COMMAND_WORDS_USED[w.COMMAND_CANCEL], 10),
    "last word of a CANCEL": (w.CANCEL_LIST, w.COMMAND_WORDS_USED[w.COMMAND_CANCEL] - 1),
    "staged commands": (r.S_END - r.S_STAGED, w.STAGED_MAX * w.COMMAND_LENGTH),
    # ``lists`` reads staged commands as those of a PLACE.
    "words of a STAGE": (w.COMMAND_WORDS_USED[w.COMMAND_STAGE], w.COMMAND_WORDS_USED[1]),
    "words of a PLACE_LIST": (w.COMMAND_WORDS_USED[w.COMMAND_PLACE_LIST], w.COMMAND_WORDS_USED[1]),
    # Rows of a checkpoint.
    "head": (SECTIONS["head"], r.HEAD_CAPACITIES + r.S_SAVED_WORDS),
    "assets": (SECTIONS["assets"], 1 + r.ASSET_SAVED_WORDS),
    "assets, all but what is derived": (r.ASSET_SAVED_WORDS, r.ASSET_DRIFT),
    "tenants": (SECTIONS["tenants"], w.TENANT_LIMITS_LENGTH - 1),
    "tiers": (SECTIONS["tiers"], 2 + r.TIER_SET),
    "markets": (SECTIONS["markets"], r.MARKET_SAVED_WORDS),
    "markets, all but what is derived": (r.MARKET_SAVED_WORDS, r.M_QUANTITY_BOUND),
    "ids": (SECTIONS["ids"], r.ID_WORDS),
    # Bits.
    "status and close reason": (r.STATUS_BITS, (1 << w.FLAGS_WORD_BITS) - (1 << w.STATUS_SHIFT)),
    "close reason is the flags' last": (
        w.FLAGS_WORD_BITS,
        w.CLOSE_SHIFT + w.CLOSE_MASK.bit_length(),
    ),
    "flags of a command": (w.FLAGS_BITS, w.TRIGGERED_SHIFT),
    "times": ((1 << r.TIME_BITS) - 1, w.TIME_MS_MAX),
    "accounts": (
        (1 << r.ACCOUNT_BITS) - 1,
        w.account_number(w.TENANT_MAX, w.ACCOUNT_INDEX_MAX),
    ),
    "plain flags": (r.FIXED_WORDS - r.PLAIN_FLAGS, 1 << w.FLAGS_BITS),
    "a tenant's tiers": (r.TENANT_ORDERS_PER_MARKET, (w.TIER_MAX + 1) * r.TIER_WORDS),
    "limits of a tenant": (
        r.TENANT_HOLDS - r.TENANT_ORDERS_PER_MARKET,
        w.TENANT_LIMITS_HOLDS - w.TENANT_LIMITS_ORDERS_PER_MARKET,
    ),
    "orders counted beside an offset": (r.BALANCE_ORDERS_MASK + 1, 1 << r.BALANCE_ORDERS_BITS),
    "bits of a node": (2 * 32, 1 << r.NODE_DIGIT_BITS),
    "groups of an index": (r.INDEX_GROUP_MASK + 1, 1 << r.INDEX_GROUP_BITS),
    "ids in the order index": (r.ORDER_INDEX_ID_MASK + 1, 1 << r.ORDER_INDEX_ID_BITS),
    "fingerprints": (r.ID_FINGERPRINT_MASK + 1, 1 << r.ID_FINGERPRINT_BITS),
    # The digest is ``engine.digest``'s.
    "digest block": (r.DIGEST_BLOCK_WORDS, BLOCK_WORDS),
    "digest multiplier": (r.DIGEST_MULTIPLIER, MULTIPLIER),
    "digest keys": (len(KEYS), r.S_PREFETCHED - r.S_KEYS),
    # Results.
    "a result's reasons": (w.RESULT_REASON_SHIFT, w.RESULT_COMMAND_MASK.bit_length()),
    "a result's time": (
        w.RESULT_TIME_SHIFT,
        w.RESULT_REASON_SHIFT + w.RESULT_REASON_MASK.bit_length(),
    ),
    "bytes of a command": (w.COMMAND_BYTES, w.COMMAND_LENGTH * w.WORD_BYTES),
}

AT_MOST = {
    "a tenant's limit": (w.TENANT_LIMIT_MAX, r.BALANCE_ORDERS_MASK + 1),
    "words used": (max(w.COMMAND_WORDS_USED), w.COMMAND_LENGTH),
    "kinds of command": (w.COMMAND_KIND_LAST, w.RESULT_COMMAND_MASK),
    "reasons": (w.REASON_LAST, w.RESULT_REASON_MASK),
    "command kinds in the table": (w.COMMAND_KIND_LAST + 1, r.S_STAGED - r.S_COMMAND_WORDS_USED),
    # ``ledger.other_of`` and others read these words of "none".
    "words of a list, of a plain order": (max(r.COND_LIST_ID, r.COND_OTHER, r.COND_EXIT), 31),
    "prefetched commands": (r.PREFETCH_INDEXES + 1, r.PREFETCH_MASK + 1),
    "a transfer's kind": (
        w.TRANSFER_KIND_SHIFT + w.TRANSFER_KIND_MASK.bit_length(),
        w.EVENT_KIND_SHIFT,
    ),
    "kinds of transfer": (max(w.TRANSFER_KIND_NAMES), w.TRANSFER_KIND_MASK),
    "kinds of actor": (max(w.ACTOR_NAMES), (1 << w.ACTOR_BITS - w.ACTOR_KIND_SHIFT) - 1),
    "a time beside the reason": (w.RESULT_TIME_SHIFT + r.TIME_BITS, w.EVENT_KIND_SHIFT),
    "a price beside the side": (w.PRICE_MAX.bit_length(), w.LEVEL_SIDE_SHIFT),
    "fees of amounts": ((1 << r.FEE_SIMPLE_BITS) * w.FEE_PPM_MAX, (1 << 64) - 1),
    "books of a market": (r.M_BOOKS + r.MARKET_BOOKS * r.BOOK_WORDS, r.MARKET_WORDS),
    "entries of heaps in levels": (r.MELD_PARENT, r.L_TRIGGER - 1),
    "what one look at the room allows": (4 * max(w.EVENT_LENGTH), r.OUTPUT_MARGIN_WORDS),
}

# Kinds whose first word says more than the kind; their classes have as many fields more or fewer.
FIELDS_IN_FIRST_WORD: dict[type, int] = {
    e.Result: 3,  # kind of command, reason, time
    e.Order: 2,  # market, flags
    e.Trade: 2,  # market, side
    e.Balance: 1,  # asset
    e.Level: 3,  # market, side, price
    e.Transfer: 2,  # kind, asset
}
# Fields of a result that its decoder derives from trades, or splits from the subject.
DERIVED_FIELDS: dict[type, int] = {e.Result: 3}
CLASSES = (
    e.Result, e.Order, e.OrderConditions, e.Trade, e.Balance, e.Level, e.Market,
    e.MarketDefinition, e.MarketLimits, e.Asset, e.Account, e.FeeTier, e.Hold, e.Countdown, e.Epoch,
    e.Transfer, e.TenantLimits, e.OrderTrail, e.OrderList,
)  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_numbers_that_must_be_equal(one: int, other: int) -> None:
    assert one == other


@pytest.mark.parametrize(("number", "bound"), AT_MOST.values(), ids=AT_MOST)
def test_numbers_that_must_fit(number: int, bound: int) -> None:
    assert number <= bound


@pytest.mark.parametrize(("prefix", "size", "other"), RECORDS.values(), ids=RECORDS)
def test_fields_of_a_record_are_distinct_and_fit(prefix: str, size: int, other: set[str]) -> None:
    fields = {
        name: offset
        for name, offset in vars(r).items()
        if name.startswith(prefix) and name not in other
    }
    assert len(set(fields.values())) == len(fields) > 1
    assert all(0 <= offset < size for offset in fields.values())


def test_words_of_the_state_are_distinct_and_leave_the_record_at_0_empty() -> None:
    words = {name: offset for name, offset in vars(r).items() if name.startswith("S_")}
    del words["S_SAVED_WORDS"], words["S_END"]
    assert len(set(words.values())) == len(words)
    largest = max(r.ORDER_WORDS, r.ACCOUNT_WORDS, r.LEVEL_WORDS, r.BALANCE_WORDS)
    assert all(largest <= offset < r.S_END for offset in words.values())


@pytest.mark.parametrize("kind", range(1, w.EVENT_KIND_LAST + 1))
def test_a_kind_of_event_is_as_long_as_its_class_says(kind: int) -> None:
    one = CLASSES[kind - 1]
    in_words = len(one._fields) - FIELDS_IN_FIRST_WORD.get(one, 0) - DERIVED_FIELDS.get(one, 0)
    # ``sequence`` is a word of the result only.
    first_word = 1
    assert w.EVENT_LENGTH[kind] == first_word + in_words - (one is not e.Result)


def test_the_tables_have_a_row_for_each_kind() -> None:
    assert len(CLASSES) == w.EVENT_KIND_LAST
    assert len(w.EVENT_LENGTH) == w.EVENT_KIND_LAST + 1
    assert len(w.COMMAND_WORDS_USED) == w.COMMAND_KIND_LAST + 1
    assert set(w.COMMAND_NAMES) == set(range(1, w.COMMAND_KIND_LAST + 1))


def test_types_and_states_in_sets_are_those_of_the_names() -> None:
    stops = {number for number, name in w.TYPE_NAMES.items() if "stop_" in name}
    take_profits = {number for number, name in w.TYPE_NAMES.items() if "take_profit" in name}
    assert set(w.types_in(w.TAKE_PROFIT_TYPES)) == take_profits
    stops |= take_profits
    assert set(w.types_in(w.STOP_TYPES)) == stops
    trailing = {number for number in stops if w.TYPE_NAMES[number].startswith("trailing")}
    assert set(w.types_in(w.TRAILING_TYPES)) == trailing
    marketable = {number for number, name in w.TYPE_NAMES.items() if name.endswith("market")}
    assert set(w.types_in(w.MARKETABLE_TYPES)) == marketable
    assert set(w.types_in(w.STOP_MARKET_TYPES)) == stops & marketable
    assert set(w.TYPE_NAMES) == set(range(1, w.TYPE_LAST + 1))
    trading = {w.STATE_OPEN, w.STATE_POST_ONLY}
    assert {number for number in w.MARKET_STATE_NAMES if w.TRADING_STATES >> number & 1} == trading


@pytest.mark.parametrize("name", e.CONDITIONS + e.TRAIL)
def test_conditions_have_one_order(name: str) -> None:
    at = (e.CONDITIONS + e.TRAIL).index(name)
    if at < w.PLACE_CONDITIONS_COUNT:
        assert getattr(w, f"PLACE_{name.upper()}") == w.PLACE_CONDITIONS + at
    assert getattr(r, f"COND_{name.upper()}") == r.COND_FIRST + at
    assert [one.name for one in fields(Conditions)][at] == name


def test_no_other_word_of_a_record_lies_among_the_conditions() -> None:
    copied = range(r.COND_FIRST, r.COND_FIRST + w.CONDITIONS_COUNT + w.TRAIL_COUNT)
    names = {name for name, word in vars(r).items() if name.startswith("COND_") and word in copied}
    assert names == {"COND_FIRST", *(f"COND_{name.upper()}" for name in e.CONDITIONS + e.TRAIL)}


def test_every_module_of_the_core_is_compiled() -> None:
    modules = {path.stem for path in (build.PACKAGE / "core").glob("*.py")}
    # Constants, and what C has of its own.
    assert set(build.MODULES) == modules - {"__init__", "records", "hints"}


def test_a_name_defined_in_two_modules_is_not_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    core = tmp_path / "core"
    core.mkdir()
    (core / "book.py").write_text("def find():\n    return 1\n")
    (core / "stops.py").write_text("def trigger():\n    return 2\n")
    monkeypatch.setattr(build, "PACKAGE", tmp_path)
    monkeypatch.setattr(build, "MODULES", ("book", "stops"))
    assert "return 2" in build.joined_source()
    (core / "stops.py").write_text("find = 3\n")
    with pytest.raises(build.BuildError, match="find is defined in book and in stops"):
        build.joined_source()


def test_no_function_loses_the_error_of_another() -> None:
    """A C function without an error value can't pass on what a function that it calls raises."""
    silent: set[str] = set()
    calls: dict[str, set[str]] = {}
    for module in build.MODULES:
        source = (build.PACKAGE / "core" / f"{module}.py").read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef):
                if "exceptval(check=False)" in "".join(map(ast.unparse, node.decorator_list)):
                    silent.add(node.name)
                called = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
                calls[node.name] = {one.id for one in called if isinstance(one, ast.Name)}
    may_raise = set(calls) - silent
    assert may_raise > {"value_of", "reserve_amount", "reserve"}
    assert not {name: lost for name in silent if (lost := calls[name] & may_raise)}
