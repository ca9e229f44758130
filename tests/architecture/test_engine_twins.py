"""The specification and the fast engine have the same files and functions.

So what a function of `engine/core` must do is found in `engine/reference` under the same name. What
only one of them has is listed in a table here, with the reason; a row that no longer holds fails.
"""

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "engine"

FILES_OF_CORE = {
    "records": "the words of each record in the array that is the core's memory",
    "store": "that array: reserved, laid out, cut into records",
    "heap": "what is due next, found without looking through all",
    "melds": "which trailing stop triggers first, found without looking through all",
    "prefetch": "memory asked for before its command's turn",
    "hints": "instructions of the processor, and what replaces them when interpreted",
    "digest": "the reference takes `engine.digest` as it is",
}
FILES_OF_REFERENCE = {
    "model": "orders, accounts and markets as objects; records in the core",
    "state": "what the engine remembers; the store in the core",
}

# File -> (reason, functions that only the core has).
FUNCTIONS_OF_CORE = {
    "accounts": ("a tier is an offset among the tenant's; a number there", {"account_tier"}),
    "auction": (
        "one pass over the levels instead of a list of ranges",
        {"compare_range", "first_bid_level", "is_better_choice"},
    ),
    "audit": (
        "links and sums of levels, which the reference does not keep; what each batch watches",
        {"audit_awaiting", "audit_batch", "audit_heap", "audit_level", "require"},
    ),
    "book": (
        "levels as records, linked and found through a trie over the price; dictionaries there",
        {
            *("child_below", "clear_path", "drop_level", "find_level", "level_below"),
            *("make_level", "make_node", "make_path", "merge_levels", "move_level"),
            *("name_level", "next_level", "rotate_level", "set_child", "update_best"),
        },
    ),
    "changes": (
        "a change is judged and made on the record itself, not on a changed copy",
        {"apply_change", "changed_or_kept", "copy_order", "has_changed_reached"},
    ),
    "checkpoint": (
        "words are written and read one by one, a section at a time",
        {
            *("open_section", "write_accounts", "write_assets"),
            *("write_balances", "write_head", "write_holds", "write_ids", "write_markets"),
            *("write_order", "write_orders", "write_section"),
            *("write_tenant_tiers", "write_tenants", "staged_count", "write_awaiting"),
            *("write_tiers", "write_word", "write_words"),
        },
    ),
    "countdowns": (
        "the heap of countdowns",
        {"schedule_countdown", "unschedule_countdown"},
    ),
    "definitions": (
        "records are made and what follows from a definition is computed once",
        {
            *("derive_bounds", "derive_order_limit", "derive_watch", "is_between"),
            *("make_market", "make_tenant", "prepare_market"),
        },
    ),
    "dispatch": (
        "branches in two steps; a table there",
        {"execute_definition", "execute_funds"},
    ),
    "emit": ("the words of a trailing stop, which few orders have", {"emit_trail"}),
    "engine": (
        "a batch is decided with a look ahead, and survives a bug in one command",
        {"decide_batch", "record_internal_error"},
    ),
    "execution": ("a comparison of words, an order's own there", {"is_due"}),
    "funds": (
        "an account's holds as a list of records; a dictionary there",
        {"drop_hold", "find_hold", "has_all_holds", "make_hold"},
    ),
    "ids": (
        "a ring with an index, and an index of open orders; dictionaries there",
        {
            *("append_id", "find_id", "id_fingerprint", "index_placed", "oldest_slot"),
            *("placed_fingerprint", "placed_order_id", "read_placed", "unindex_id"),
            "unindex_placed",
        },
    ),
    "index": (
        "hash tables over the array; dictionaries there",
        {
            *("account_of", "balance_home", "find_account", "find_balance", "find_order"),
            *("index_order", "order_home", "scatter", "scatter_group", "search_balance"),
            "unindex_order",
        },
    ),
    "ledger": (
        "sums in 64 bits; what an object there has as an attribute",
        {
            *("by_side", "checked_sum", "is_buy", "market_of", "owner_of", "value_of"),
            *("other_of", "write_balance"),
        },
    ),
    "liquidity": (
        "own orders are marked on their levels, from the account's orders; counted there",
        {"clear_own", "mark_own", "orders_paying", "side_balance"},
    ),
    "lists": (
        "staged commands are read where they are; what an order has as an attribute there",
        {
            *("await_entry", "check_each", "check_paid", "list_command", "make_listed"),
            "position_price",
        },
    ),
    "matching": (
        "a look that spares most orders one at all that their account has open",
        {"market_and_side", "may_cross_own"},
    ),
    "orders": (
        "what an object there has as attributes, counted and linked; what each batch watches",
        {
            *("awaits_entry", "beyond_list", "close_listed", "count_awaiting", "is_pending"),
            *("link_pair", "list_of", "rest_plain_limit", "trigger_side", "unlink_pair"),
            *("watch_book", "with_status"),
        },
    ),
    "order_checks": ("a check of its own, to be short", {"check_quote_amount"}),
    "place": (
        "one pass for most orders: limit orders without conditions",
        {
            *("fill_conditions", "has_conditions", "is_plain_limit", "list_plain_flags"),
            *("place_general", "place_plain_limit", "stated_trigger", "would_trade"),
        },
    ),
    "price_checks": ("products in 64 bits; flags without an order", {"exceeds_word", "is_waiting"}),
    "registry": (
        "records made and freed, the heap of expiries, what each batch watches",
        {"free_order", "make_conditions", "make_order", "schedule_expiry", "watch_held"},
    ),
    "restoration": (
        "words are read one by one, a section at a time",
        {"read_accounts", "read_definitions", "read_into_book", "read_markets"},
    ),
    "room": (
        "orders counted as they come and go, looked at closely only when there are many",
        {"has_many_orders", "market_orders", "tenant_orders"},
    ),
    "stops": (
        "trailing stops are taken from a heap; sorted there",
        {"collect_first_trailing", "collect_trailing"},
    ),
    "trailing": (
        "levels whose price is an extreme, in heaps; extremes of their own, sorted, there",
        {
            *("add_to_heap", "changed_trigger", "enter_trail", "extreme_of", "first_trailing"),
            *("index_level", "is_pending_trail", "leave_trail", "start_extreme", "start_trigger"),
            *("take_out_of_heap", "trailing_book", "trails", "unindex_level"),
        },
    ),
}
# File -> (reason, functions that only the reference has).
FUNCTIONS_OF_REFERENCE = {
    "liquidity": ("a level's total is a word of its record in the core", {"total_lots"}),
    "auction": ("a list of ranges to choose from", {"first_order", "price_ranges"}),
    "changes": ("a changed copy to judge", {"changed_order", "check_alone", "only_shrinks"}),
    "checkpoint": (
        "rows made of objects, and objects of rows",
        {"_signed", "awaiting_orders", "head_row", "market_row", "order_row", "orders_of"},
    ),
    "definitions": ("a row for a tenant that has none", {"find_tenant_limits"}),
    "dispatch": ("an id as one value", {"command_id"}),
    "funds": ("one comparison, spelt out in the core", {"check_amount"}),
    "ledger": ("a reference to the tier's record in the core", {"account_fees"}),
    "lists": ("orders to judge, each with its own number", {"fill_list"}),
    "restoration": ("objects made of rows", {"read_market"}),
    "stops": (
        "a comparison and loops, spelt out in the core",
        {"is_reached", "reached_stops", "reached_trailing"},
    ),
    "trailing": ("orders sorted by their triggers", {"trailing_orders"}),
}


def functions(file: Path) -> set[str]:
    """Return the functions of a module, and the methods of its classes."""
    body = ast.parse(file.read_text()).body
    methods = [one for each in body if isinstance(each, ast.ClassDef) for one in each.body]
    return {one.name for one in (*body, *methods) if isinstance(one, ast.FunctionDef)}


def twin(folder: str) -> dict[str, set[str]]:
    """Return file -> functions of one of the two engines."""
    files = (ENGINE / folder).glob("*.py")
    return {file.stem: functions(file) for file in files if file.stem != "__init__"}


CORE, REFERENCE = twin("core"), twin("reference")
COMMON = sorted(set(CORE) & set(REFERENCE))


def test_both_have_the_same_files() -> None:
    assert set(CORE) - set(REFERENCE) == set(FILES_OF_CORE)
    assert set(REFERENCE) - set(CORE) == set(FILES_OF_REFERENCE)


@pytest.mark.parametrize("file", COMMON)
def test_both_have_the_same_functions(file: str) -> None:
    _, of_core = FUNCTIONS_OF_CORE.get(file, ("", set()))
    _, of_reference = FUNCTIONS_OF_REFERENCE.get(file, ("", set()))
    assert CORE[file] - REFERENCE[file] == of_core
    assert REFERENCE[file] - CORE[file] == of_reference


def test_the_tables_name_common_files_only() -> None:
    assert set(FUNCTIONS_OF_CORE) | set(FUNCTIONS_OF_REFERENCE) <= set(COMMON)
