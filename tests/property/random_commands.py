"""Random commands for the engine: one integer each, so that hypothesis draws and shrinks fast.

Two tenants, three markets (coarse and fine lots, one with limits, one of the other tenant) and a
fourth that may be defined, a handful of accounts, and prices close together, so that most orders
meet. ``test_reach`` proves that all that can happen does.
"""

from typing import Any

from engine.reference import Engine
from wire import layout as w
from wire.codec import (
    NO_ID,
    encode,
    encode_advance_time,
    encode_cancel,
    encode_cancel_all,
    encode_cancel_all_after,
    encode_change,
    encode_define_asset,
    encode_define_market,
    encode_epoch,
    encode_funds,
    encode_list,
    encode_place,
    encode_reject,
    encode_set_account,
    encode_set_fee_tier,
    encode_set_market_limits,
    encode_set_market_state,
    encode_set_tenant_limits,
)

# Small enough that all of them are met, ids are forgotten, and holds run out.
CAPACITY = {"orders": 20, "accounts": 8, "balances": 19, "holds": 3, "remembered_ids": 16}
QUOTES = (2, 7)
OWNERS = {
    1: tuple(w.account_number(1, index) for index in (1, 2, 3)),
    2: tuple(w.account_number(2, index) for index in (1, 2)),
}
ACCOUNTS = (
    *(*OWNERS[1], *OWNERS[2]),
    # The first is a sub-account.
    *(w.account_number(1, index) for index in (1 << 24 | 1, 5, 0)),
    *(w.account_number(2, 0), w.account_number(3, 1)),
)
FUNDS = (
    w.COMMAND_CREDIT,
    w.COMMAND_DEBIT,
    w.COMMAND_HOLD,
    w.COMMAND_RELEASE,
    w.COMMAND_CAPTURE,
)


def world() -> bytes:
    """Return the commands that set up tenants, assets, markets and some money."""
    commands = [
        encode_define_asset(1, 1, 8, "BTC"),
        encode_define_asset(2, 1, 6, "USDT"),
        encode_define_asset(3, 1, 0, "X"),
        encode_define_asset(6, 2, 8, "BTC"),
        encode_define_asset(7, 2, 6, "USDT"),
        encode_define_market(1, 1, 1, 2, lot_units=1000, tick_units=7, symbol="BTC-USDT"),
        encode_define_market(3, 1, 3, 2, lot_units=1, tick_units=1, symbol="X-USDT"),
        encode_define_market(4, 2, 6, 7, lot_units=10, tick_units=3, symbol="BTC-USDT"),
        encode_set_fee_tier(1, 0, 1000, 5000),
        encode_set_fee_tier(1, 1, -2000, 2500),
        encode_set_market_limits(
            1,
            min_notional=200,
            max_quantity=1000,
            collar_ppm=60_000,
            market_collar_ppm=50_000,
            breaker_ppm=20_000,
            reference_interval_ms=5,
            least_value=700,
            auction_ms=9,
        ),
        encode_set_market_limits(3, breaker_ppm=10_000, auction_ms=4),
        encode_set_tenant_limits(2, orders_per_market=3, orders=4, holds=1),
    ]
    for tenant, assets in ((1, (1, 2, 3)), (2, (6, 7))):
        for account in OWNERS[tenant]:
            # The last of a tenant has money for an order or two only, so what it may pay matters.
            poor = account == OWNERS[tenant][-1]
            for asset in assets:
                amount = 5_000 if poor and asset in QUOTES else 10**6
                # One has nothing to sell but what it buys, less the fee.
                if (account, asset) != (OWNERS[1][1], 3):
                    commands.append(encode_funds(w.COMMAND_CREDIT, account, asset, amount))
    commands.append(encode_set_account(w.account_number(1, 1), tier=1, stp_group=5))
    commands.append(encode_set_account(w.account_number(1, 2), stp_group=5))
    return b"".join(commands)


class Choices:
    """Digits of one drawn integer, in mixed radix; 0 is the simplest choice of each."""

    def __init__(self, word: int) -> None:
        self.word = word

    def below(self, count: int) -> int:
        """Return a number from 0 to count - 1."""
        self.word, digit = divmod(self.word, count)
        return digit

    def of(self, *options: int) -> int:
        """Return one of the options."""
        return options[self.below(len(options))]


def _place(choose: Choices, account: int, engine: Engine, **header: Any) -> bytes:
    market = choose.of(1, 3, 4, *(*engine.state.markets,) * 6, 2 + 7 * choose.below(2))
    tenant = engine.state.markets[market].tenant if market in engine.state.markets else 0
    if tenant in OWNERS and account not in OWNERS[tenant] and choose.below(8):
        account = OWNERS[tenant][choose.below(len(OWNERS[tenant]))]
    order_type = choose.of(*(*(w.TYPE_LIMIT,) * 6, *w.TYPE_NAMES) * 8, 0, w.TYPE_LAST + 1)
    marketable = w.MARKETABLE_TYPES >> order_type & 1
    price = 0 if marketable and choose.below(8) else 95 + choose.below(11)
    if marketable:
        time_in_force = choose.of(*(2, 2, 3) * 5, 1)
    else:
        time_in_force = choose.of(*(1, 1, 1, 1, 1, 2, 3, 4) * 8, 0, 5)
    can_rest = time_in_force in (w.TIF_GTC, w.TIF_GTD)
    by_quote = order_type == w.TYPE_MARKET and choose.below(3) == 0
    quantity = 1 + choose.below(20)
    trails = bool(w.TRAILING_TYPES >> order_type & 1)
    iceberg = choose.below(5) == 0 and not by_quote and (can_rest or choose.below(6) == 0)
    if choose.below(60) == 1:
        # Numbers that fit their words, but whose product does not.
        price, quantity = w.PRICE_MAX >> 1, w.QUANTITY_MAX >> 1
    limit_offset = 0
    if trails and (not marketable or choose.below(20) == 1) and choose.below(2):
        price, limit_offset = price if choose.below(10) == 1 else 0, 1 + choose.below(4)
    return encode_place(
        account,
        market,
        choose.of(*(1, 2) * 40, 0, 3),
        price,
        0 if by_quote else quantity,
        order_type=order_type,
        time_in_force=time_in_force,
        post_only=choose.below(6 if can_rest else 40) == 1,
        stp=choose.of(*(0, 0, 1, 2, 3, 4) * 12, 5, 7),
        stp_by_group=choose.below(2) == 1,
        quote_amount=choose.below(20_000) if by_quote else 0,
        trigger_price=_trigger_price(choose, order_type),
        trail=_trail(choose) if trails or choose.below(200) == 1 else 0,
        limit_offset=limit_offset,
        display_quantity=1 + choose.below(min(quantity, 20)) if iceberg else 0,
        expire_ms=engine.time_ms + choose.below(20) if time_in_force == w.TIF_GTD else 0,
        **header,
    )


def _trigger_price(choose: Choices, order_type: int) -> int:
    """Return a trigger price, or a trailing stop's activation price, which few have."""
    if w.TRAILING_TYPES >> order_type & 1 and choose.below(3):
        return 0
    return 95 + choose.below(11) if w.STOP_TYPES >> order_type & 1 else 0


def _trail(choose: Choices) -> int:
    """Return a trail of few ticks or few per cent, or one that is none."""
    if choose.below(40) == 1:
        return choose.of(0, -1, 200, w.TRAIL_PPM, w.TRAIL_PPM + w.PPM, 1 << 62)
    ticks = 1 + choose.below(5)
    return choose.of(ticks, ticks, w.TRAIL_PPM + 4_000 * ticks, w.TRAIL_PPM + 9_999 * ticks)


def _list(choose: Choices, account: int, engine: Engine, **header: Any) -> bytes:
    """Return the commands of a list, mostly of one that can be: a pair, or an entry with exits."""
    account = OWNERS[1][choose.below(3)] if choose.below(12) else account
    market = choose.of(3, 1, *(3, 1) * 8, 4)
    # Of one or two lots little is left to sell after the fee.
    side, quantity = choose.of(w.SIDE_SELL, w.SIDE_BUY), 1 + choose.below(choose.of(20, 2))
    nearest = engine.state.markets[market].confirmed_price or 100
    sign = 1 if side == w.SIDE_SELL else -1
    profit = nearest + sign * choose.of(*(1, 2, 3) * 6, 0, -2)
    stop = nearest - sign * choose.of(*(1, 2, 3) * 6, 0, -4)
    stp = choose.of(0, 0, 1, 2, 3, 4)
    expires = choose.below(6) == 1
    until: dict[str, Any] = {
        "time_in_force": w.TIF_GTD,
        "expire_ms": engine.time_ms + 1 + choose.below(9),
    }
    is_bracket = choose.below(2) == 1
    ends: dict[str, Any] = until if expires and not (is_bracket and choose.below(8)) else {}
    own = (account, market, side if choose.below(30) else w.SIDE_BUY + w.SIDE_SELL - side)
    header_of_all = {"stp": stp, "time_ms": header["time_ms"]}
    exits = [
        _take_profit(choose, (account, market, side), profit, quantity, ends, header_of_all),
        _stop_loss(choose, own, (stop, sign), quantity + (choose.below(30) == 1), header_of_all),
    ]
    if choose.below(2):
        exits.reverse()
    if not is_bracket:
        return encode_list(exits[0], _with_header(exits[1], header))
    entry_types = (w.TYPE_MARKET, w.TYPE_STOP_MARKET, w.TYPE_TRAILING_STOP_MARKET)
    entry_type = choose.of(*(w.TYPE_LIMIT,) * 8, *entry_types)
    marketable = w.MARKETABLE_TYPES >> entry_type & 1
    entry = encode_place(
        account,
        market,
        w.SIDE_BUY + w.SIDE_SELL - side,
        0 if marketable else nearest - sign * (choose.below(5) - 2),
        quantity,
        order_type=entry_type,
        trigger_price=nearest + sign if entry_type == w.TYPE_STOP_MARKET else 0,
        trail=2 if entry_type == w.TYPE_TRAILING_STOP_MARKET else 0,
        stp=stp,
        post_only=not marketable and choose.below(9) == 1,
        **(until if expires and not marketable else {}),
        **header,
    )
    return encode_list(*exits, entry)


def _take_profit(
    choose: Choices,
    owner: tuple[int, int, int],
    price: int,
    quantity: int,
    ends: dict[str, Any],
    header: dict[str, Any],
) -> bytes:
    """Return the order of a list that waits for a better price."""
    order_type = choose.of(
        *(w.TYPE_LIMIT,) * 3, w.TYPE_TAKE_PROFIT_LIMIT, w.TYPE_TAKE_PROFIT_MARKET
    )
    marketable = w.MARKETABLE_TYPES >> order_type & 1
    account, market, side = owner
    return encode_place(
        account,
        market,
        side,
        0 if marketable else price,
        quantity,
        order_type=order_type,
        trigger_price=price if order_type != w.TYPE_LIMIT else 0,
        post_only=choose.below(30) == 1,
        **({} if marketable else ends),
        **header,
    )


def _stop_loss(
    choose: Choices,
    owner: tuple[int, int, int],
    trigger_and_sign: tuple[int, int],
    quantity: int,
    header: dict[str, Any],
) -> bytes:
    """Return the order of a list that waits for a worse price; some are none, some trail."""
    trigger, sign = trigger_and_sign
    order_type = choose.of(
        *(w.TYPE_STOP_MARKET, w.TYPE_STOP_LIMIT) * 9, w.TYPE_LIMIT, w.TYPE_TRAILING_STOP_MARKET
    )
    trails = order_type == w.TYPE_TRAILING_STOP_MARKET
    marketable = w.MARKETABLE_TYPES >> order_type & 1
    return encode_place(
        *owner,
        0 if marketable else max(1, trigger - sign * choose.below(3)),
        quantity,
        order_type=order_type,
        trigger_price=0 if trails or order_type == w.TYPE_LIMIT else trigger,
        trail=2 if trails else 0,
        **header,
    )


def _with_header(place: bytes, header: dict[str, Any]) -> bytes:
    """Return a PLACE command with another id, time and actor."""
    first = encode(w.COMMAND_PLACE, command_id=header["command_id"], time_ms=header["time_ms"])
    return first[: 4 * w.WORD_BYTES] + place[4 * w.WORD_BYTES :]


def _absurd(choose: Choices, account: int) -> bytes:
    """Return a command with one absurd word in it."""
    words = [
        choose.below(26),
        0,
        0,
        choose.below(3),
        choose.of(0, 0, 1) << w.ACTOR_KIND_SHIFT,
        account,
        *(choose.of(0, 1, 2, 3, 37, 100) for _ in range(10)),
    ]
    words[choose.below(16)] = choose.of(
        -1, 0, (1 << 63) - 1, -(1 << 63), 1 << 62, (1 << 40) - 1, (1 << 48) - 1, 1 << 32
    )
    kind, high, low, time_ms, actor, account, *body = words
    return encode(kind, account, *body, command_id=(high, low), time_ms=time_ms, actor=actor)


def command(word: int, engine: Engine) -> bytes:
    """Return the command that an integer stands for, sensible in an engine's state."""
    choose = Choices(word)
    now_ms = engine.time_ms
    kind = choose.below(64)
    account = ACCOUNTS[choose.of(0, *(0, 1, 2, 0, 1, 2, 3, 4) * 4, 5, 6, 7, 8, 9)]
    has_id = choose.below(2) == 0
    command_id = (0, 1 + choose.below(3000)) if has_id else NO_ID
    if engine.state.placed and choose.below(8) == 1:
        # An order that is open comes again, perhaps long after its id was forgotten.
        command_id = list(engine.state.placed)[choose.below(len(engine.state.placed))]
    ahead_ms = choose.of(*(0, 1, 2, 3) * 50, w.INTAKE_AHEAD_MS_MAX, w.INTAKE_AHEAD_MS_MAX + 1)
    header: dict[str, Any] = {"command_id": command_id, "time_ms": now_ms + ahead_ms}
    # Every kind of actor, by what has been chosen already.
    header["actor"] = command_id[1] % len(w.ACTOR_NAMES) << w.ACTOR_KIND_SHIFT | command_id[1]
    if 30 <= kind < 34:
        listed = _list(choose, account, engine, **header)
        # Now and then its last order does not come, or nothing but that.
        end = choose.of(*(0,) * 30, -w.COMMAND_BYTES)
        return listed[choose.of(*(0,) * 30, w.COMMAND_BYTES) : len(listed) + end] or listed
    if kind < 36:
        return _place(choose, account, engine, **header)
    order_id, target = choose.below(engine.sequence + 1), NO_ID
    if engine.state.orders and choose.below(8):
        order = list(engine.state.orders.values())[choose.below(len(engine.state.orders))]
        account, order_id = order.account.number, order.order_id
        if choose.below(4) == 0:
            target = (order.id_high, order.id_low)
            order_id = choose.of(0, order_id) if target != NO_ID else order_id
    if kind < 42:
        whole_list = choose.below(3) == 1
        if whole_list and order_id in engine.state.orders:
            of_list = engine.state.orders[order_id].list_id
            order_id = of_list if choose.below(4) else order_id
        return encode_cancel(account, order_id, target=target, whole_list=whole_list, **header)
    if kind < 48:
        return encode_change(
            account,
            order_id,
            replace=choose.below(2) == 1,
            target=target,
            price=choose.of(0, 0, 95 + choose.below(11)),
            quantity=choose.of(0, 1 + choose.below(20)),
            trigger_price=choose.of(0, 0, 0, 95 + choose.below(11)),
            display_quantity=choose.of(0, 0, 0, 1 + choose.below(8)),
            trail=_trail(choose) if choose.below(4) == 1 else 0,
            **header,
        )
    if kind < 54:
        return _funds(choose, account, engine, **header)
    return _rare(choose, kind, account, now_ms)


def _funds(choose: Choices, account: int, engine: Engine, **header: Any) -> bytes:
    kind = choose.of(*FUNDS, w.COMMAND_TRANSFER)
    amount = choose.of(0, 1, 999, 100_000, 10**6, 1, 999, w.AMOUNT_MAX)
    own = (6, 7) if w.account_tenant(account) == 2 else (1, 2, 3)
    asset = choose.of(*own, *own, *own, *own, 1, 7, 9)
    hold_id, to_account = 0, 0
    if kind == w.COMMAND_TRANSFER:
        to_account = ACCOUNTS[choose.below(len(ACCOUNTS))]
    elif kind in (w.COMMAND_HOLD, w.COMMAND_RELEASE, w.COMMAND_CAPTURE):
        hold_id = 1 + choose.below(4)
    accounts = engine.state.accounts.values()
    holds = [(one.number, hold) for one in accounts for hold in one.holds.values()]
    if kind in (w.COMMAND_RELEASE, w.COMMAND_CAPTURE) and holds and choose.below(4):
        account, hold = holds[choose.below(len(holds))]
        hold_id, asset = hold.hold_id, hold.asset
    names_it = kind not in (w.COMMAND_HOLD, w.COMMAND_RELEASE)
    return encode_funds(
        kind,
        account,
        asset,
        amount,
        hold_id=hold_id,
        to_account=to_account,
        reference=(-amount, 1) if names_it else NO_ID,
        **header,
    )


def _rare(choose: Choices, kind: int, account: int, now_ms: int) -> bytes:
    if kind < 56:
        # Now and then long enough for ids to be forgotten and shares to be given back.
        hours_ms = choose.of(*(0,) * 60, w.ID_MEMORY_MS // 2)
        return encode_advance_time(max(0, now_ms + choose.below(8) - 1) + hours_ms)
    if kind < 59:
        # Mostly back to trading, or little else would happen.
        state = choose.of(1, 5, 1, 1, 1, 2, 1, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1, 5, 1, 6)
        return encode_set_market_state(
            choose.of(1, 3, 4, 1, 3, 4, 2),
            state,
            choose.of(0, 0, 95 + choose.below(11)),
            account=choose.of(0, 0, 0, account),
        )
    if kind == 59:
        return encode_cancel_all(account, choose.of(0, 1, 3, 4, 9), choose.of(0, 1, 2, 3))
    if kind == 60:
        return encode_cancel_all_after(account, choose.of(0, 5, 30, -1))
    if kind == 61:
        return _absurd(choose, account)
    return _settings(choose, account)


def _settings(choose: Choices, account: int) -> bytes:
    kind = choose.below(8)
    if kind == 0:
        return encode_set_account(
            account,
            tier=choose.of(0, 1, 2, -1),
            stp_group=choose.of(0, 5, -1),
            state=choose.of(0, 0, 1, -1),
        )
    if kind == 1:
        return encode_set_fee_tier(
            choose.of(1, 2, 3), choose.of(0, 1, 2, 16), choose.of(0, 900, -2000), choose.of(0, 3000)
        )
    if kind == 2:
        return encode_set_market_limits(
            choose.of(1, 3, 4, 2),
            min_notional=choose.of(0, 300, 0, 900),
            max_quantity=choose.of(0, 15),
            max_price=choose.of(0, 104),
            collar_ppm=choose.of(0, 30_000),
            market_collar_ppm=choose.of(0, 20_000),
            breaker_ppm=choose.of(20_000, 0, 40_000),
            reference_interval_ms=choose.of(0, 10),
            least_value=choose.of(0, 0, 300),
            auction_ms=choose.of(8, 2, 30, 0),
            account=choose.of(0, 0, account),
        )
    if kind == 3:
        return encode_define_market(
            choose.of(2, 2, 2, 1),
            choose.of(1, 1, 1, 2, 3),
            choose.of(1, 3, 1, 3, 2),
            choose.of(2, 2, 2, 7, 9),
            lot_units=choose.of(5, 5, 5, 0),
            tick_units=choose.of(3, 3, 3, -1),
            symbol="Y",
        )
    if kind == 4:
        return encode_define_asset(choose.of(3, 8), choose.of(1, 2), choose.of(2, 19), "Z")
    if kind == 5:
        return encode_epoch(choose.of(1, -1), (5, 6))
    if kind == 6:
        return encode_set_tenant_limits(
            choose.of(1, 2, 3),
            orders_per_market=choose.of(0, 8, 3, -1),
            orders=choose.of(0, 12, 4, w.TENANT_LIMIT_MAX),
            holds=choose.of(1, 2, 0, w.TENANT_LIMIT_MAX + 1),
        )
    return encode_reject(account, choose.of(1, 37, w.REASON_INTERNAL_ERROR, 99))
