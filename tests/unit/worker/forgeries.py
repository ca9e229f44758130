"""Messages that intake never sends: what a stolen role, or a bug of intake, could put there."""

import json
from base64 import b64encode
from collections.abc import Callable

import msgspec

from bursa.intake.message import (
    COMMANDS_PER_MESSAGE_MAX,
    MESSAGE_BYTES_MAX,
    MESSAGE_VERSION,
    Delivery,
)
from bursa.intake.queue_kinds import ALLOWED_COMMANDS, QueueKind
from wire import codec
from wire import layout as w

NOW_MS = 1_795_000_000_000
ALICE, MALLORY = (w.account_number(tenant, 66) for tenant in (1, 2))
BOB = w.account_number(1, 67)
ALICES_SUB, ALICES_SECOND = (w.account_number(1, place << 24 | 66) for place in (1, 2))
BOBS_SUB = w.account_number(1, 1 << 24 | 67)
FEES = w.account_number(1, w.FEE_ACCOUNT_INDEX)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MESSAGE_ID = "ab" * 16


def actor(kind: int) -> int:
    return kind << w.ACTOR_KIND_SHIFT | 0xABCDEF


USER, API_KEY, OPERATOR = map(actor, (w.ACTOR_USER, w.ACTOR_API_KEY, w.ACTOR_OPERATOR))


def name(number: int = 1) -> tuple[int, int]:
    return (9, number)


def place(
    account: int = ALICE, number: int = 1, time_ms: int = NOW_MS, asked_by: int = USER
) -> bytes:
    return codec.encode_place(
        account,
        1,
        w.SIDE_BUY,
        100,
        5,
        command_id=name(number),
        time_ms=time_ms,
        actor=asked_by,
    )


def funds(
    kind: int,
    account: int = ALICE,
    *,
    to_account: int = 0,
    command_id: tuple[int, int] = (9, 1),
    time_ms: int = NOW_MS,
    asked_by: int = OPERATOR,
) -> bytes:
    return codec.encode_funds(
        kind,
        account,
        1,
        21_000_000,
        to_account=to_account,
        command_id=command_id,
        time_ms=time_ms,
        actor=asked_by,
    )


def command(kind: int, account: int, *body: int, number: int = 1) -> bytes:
    asked_by = USER if kind in ALLOWED_COMMANDS[QueueKind.TRADING] else OPERATOR
    return codec.encode(
        kind, account, *body, command_id=name(number), time_ms=NOW_MS, actor=asked_by
    )


def sent(
    *commands: bytes,
    group: str = "t1-66",
    account: object = ALICE,
    queue: QueueKind = QueueKind.TRADING,
    message_id: str = MESSAGE_ID,
    sent_ms: int = NOW_MS,
    **fields: object,
) -> Delivery:
    """Return what the queue delivers of a message; `fields` replace those of its body."""
    body = {
        "message_id": message_id,
        "account": account,
        "commands": b64encode(b"".join(commands)).decode(),
        "reply": True,
        "request_digest": b64encode(bytes(8)).decode(),
        "version": MESSAGE_VERSION,
    } | fields
    return Delivery(
        json.dumps(body), f"receipt {message_id}", group, message_id, sent_ms, queue=queue
    )


def raw(body: str) -> Delivery:
    return Delivery(body, "receipt", "t1-66", MESSAGE_ID, NOW_MS)


def _of_kinds() -> dict[str, Delivery]:
    """Make a message of each kind of command by each queue that may not carry it."""
    kinds = [-1, 0, *range(1, w.COMMAND_KIND_LAST + 2), 1 << 62]
    return {
        f"kind {kind} on the {queue.name.lower()} queue": sent(command(kind, ALICE), queue=queue)
        for queue in QueueKind
        for kind in kinds
        if kind not in ALLOWED_COMMANDS[queue]
    }


def _of_accounts() -> dict[str, Delivery]:
    accounts: list[object] = [
        0,
        -1,
        1,
        10**30,
        -(10**30),
        1 << 48,
        (1 << 48) + 66,
        "66",
        66.0,
        None,
    ]
    return {f"account {account}": sent(place(), account=account) for account in accounts} | {
        "group of another account": sent(place(), group="t1-67"),
        "group of another tenant": sent(place(), group="t2-66"),
        "no group": sent(place(), group=""),
        "a group that is no account": sent(place(), group="t1-066"),
        "a group beyond all tenants": sent(place(), group="t9999999999-66"),
        "another account's order": sent(place(BOB)),
        "another tenant's order": sent(place(MALLORY)),
        "another account's order behind an own one": sent(place(), place(BOB, 2)),
        "an order of account 0": sent(place(0)),
        "an order of account -1": sent(place(-1)),
        "another account's money": sent(funds(w.COMMAND_DEBIT, BOB), queue=QueueKind.FUNDS),
        "another tenant's money": sent(funds(w.COMMAND_CREDIT, MALLORY), queue=QueueKind.FUNDS),
        "money of its tenant's account by the fee account": sent(
            funds(w.COMMAND_CREDIT), group="t1-0", account=FEES, queue=QueueKind.FUNDS
        ),
        "an asset by an ordinary account": sent(
            command(w.COMMAND_DEFINE_ASSET, 0, 9, 1, 8, 5), queue=QueueKind.FUNDS
        ),
        "an asset of another tenant": sent(
            command(w.COMMAND_DEFINE_ASSET, 0, 9, 2, 8, 5),
            group="t1-0", account=FEES, queue=QueueKind.FUNDS,
        ),
        "settings of a market in nobody's name": sent(
            command(w.COMMAND_SET_MARKET_LIMITS, 0, 1, 5),
            group="t1-0", account=FEES, queue=QueueKind.FUNDS,
        ),
        "a market's state in nobody's name": sent(
            command(w.COMMAND_SET_MARKET_STATE, 0, 1, 4),
            group="t1-0", account=FEES, queue=QueueKind.FUNDS,
        ),
        "settings of a market in another tenant's name": sent(
            command(w.COMMAND_SET_MARKET_LIMITS, w.account_number(2, 0), 1, 5),
            group="t1-0", account=FEES, queue=QueueKind.FUNDS,
        ),
        "settings of a market by an ordinary account": sent(
            command(w.COMMAND_SET_MARKET_STATE, ALICE, 1, 4), queue=QueueKind.FUNDS
        ),
        "a market of another tenant": sent(
            command(w.COMMAND_DEFINE_MARKET, 0, 9, 2, 1, 2, 1, 1, 1, 5),
            group="t1-0", account=FEES, queue=QueueKind.FUNDS,
        ),
        "fees of another tenant": sent(
            command(w.COMMAND_SET_FEE_TIER, 0, 2, 0, 0, 0),
            group="t1-0", account=FEES, queue=QueueKind.FUNDS,
        ),
        "open-order limits of another tenant": sent(
            command(w.COMMAND_SET_TENANT_LIMITS, 0, 2, 1, 1, 1),
            group="t1-0", account=FEES, queue=QueueKind.FUNDS,
        ),
        "open-order limits by an ordinary account": sent(
            command(w.COMMAND_SET_TENANT_LIMITS, 0, 1, 0, 0, 0), queue=QueueKind.FUNDS
        ),
    }  # fmt: skip


def _of_actors() -> dict[str, Delivery]:
    strangers = {
        "nobody": 0,
        "the system": actor(w.ACTOR_SYSTEM),
        "an actor of no kind": actor(w.ACTOR_OPERATOR + 1),
        "an actor beyond all kinds": (1 << 63) - 1,
        "an actor below all kinds": -1,
    }
    of_orders = strangers | {"an operator": OPERATOR}
    of_money = strangers | {"a user": USER, "an API key": API_KEY}
    return {
        **{f"an order of {about}": sent(place(asked_by=who)) for about, who in of_orders.items()},
        "an operator's order behind a user's": sent(place(), place(number=2, asked_by=OPERATOR)),
        **{
            f"a credit by {about}": sent(
                funds(w.COMMAND_CREDIT, asked_by=who), queue=QueueKind.FUNDS
            )
            for about, who in of_money.items()
        },
    }


def _transfer(to_account: int, **fields: object) -> Delivery:
    own: dict[str, object] = {"queue": QueueKind.TRANSFERS} | fields
    account = own.pop("account", ALICE)
    words = {name: own.pop(name) for name in ("asked_by", "time_ms") if name in own}
    transfer = funds(
        w.COMMAND_TRANSFER,
        account,  # type: ignore[arg-type]
        to_account=to_account,
        **{"asked_by": USER} | words,  # type: ignore[arg-type]
    )
    return sent(transfer, account=account, **own)  # type: ignore[arg-type]


def _of_transfers() -> dict[str, Delivery]:
    receivers = {
        "another user": BOB,
        "another user's sub-account": BOBS_SUB,
        "the fee account": FEES,
        "a place of the fee account's": w.account_number(1, 1 << 24),
        "another tenant": MALLORY,
        "another tenant's sub-account of the same numbers": w.account_number(2, 1 << 24 | 66),
        "a place that no sub-account has": w.account_number(1, 21 << 24 | 66),
        "outside": 0,
        "no account": -1,
        "beyond all accounts": (1 << 63) - 1,
    }
    return {
        **{f"a transfer to {about}": _transfer(to) for about, to in receivers.items()},
        "a transfer of an operator's by the users' queue": _transfer(ALICES_SUB, asked_by=OPERATOR),
        "a transfer from an hour ago": _transfer(ALICES_SUB, time_ms=NOW_MS - HOUR_MS),
        "a transfer of the fee account's": _transfer(ALICE, account=FEES, group="t1-0"),
        "a transfer from another user's group": _transfer(ALICES_SUB, group="t1-67"),
        "a user's transfer by the queue of orders": _transfer(ALICES_SUB, queue=QueueKind.TRADING),
        "a user's transfer by the funds queue": _transfer(ALICES_SUB, queue=QueueKind.FUNDS),
        "an honest transfer before a theft": sent(
            funds(w.COMMAND_TRANSFER, to_account=ALICES_SUB, asked_by=USER),
            funds(w.COMMAND_TRANSFER, to_account=BOB, asked_by=USER, command_id=name(2)),
            queue=QueueKind.TRANSFERS,
        ),
    }


def _of_ids_and_texts() -> dict[str, Delivery]:
    texts = {
        "empty": "",
        "65 characters": "x" * 65,
        "huge": "x" * 40_000,
        "with NUL": "a\0b",
        "with a line's end": "order-1\n",
        "not ASCII": "ördër",
        "full-width digits": "\uff11\uff12",
        "half a surrogate": "\ud800",
        "a separator of keys": "a#b",
    }
    return {
        **{
            f"client order id {about}": sent(place(), client_order_ids={"0": text})
            for about, text in texts.items()
        },
        "no command id": sent(codec.encode_place(ALICE, 1, 1, 100, 5, time_ms=NOW_MS, actor=USER)),
        "no command id, on the funds queue": sent(
            funds(w.COMMAND_CREDIT, command_id=(0, 0)), queue=QueueKind.FUNDS
        ),
        "no command id behind one": sent(
            place(), codec.encode_place(ALICE, 1, 1, 100, 5, time_ms=NOW_MS, actor=USER)
        ),
        "client order id of no command": sent(place(), client_order_ids={"1": "a"}),
        "client order id before all commands": sent(place(), client_order_ids={"-1": "a"}),
        "client order id at 2^70": sent(place(), client_order_ids={str(1 << 70): "a"}),
        "message id of another message": msgspec.structs.replace(
            sent(place(), message_id="cd" * 16), message_id=MESSAGE_ID
        ),
        "message id in capitals": sent(place(), message_id="AB" * 16),
        "message id too short": sent(place(), message_id="ab"),
        "message id of 128 letters": sent(place(), message_id="z" * 128),
        "no message id": sent(place(), message_id=""),
    }


def _of_times() -> dict[str, Delivery]:
    late = NOW_MS + 2 * HOUR_MS
    return {
        f"{about}": sent(place(time_ms=time_ms), sent_ms=sent_ms)
        for about, time_ms, sent_ms in (
            ("six minutes ahead", NOW_MS + 6 * MINUTE_MS, NOW_MS),
            ("an hour ahead", NOW_MS + HOUR_MS, NOW_MS),
            ("ahead of the worker, with a time of sending ahead too", late, late),
            ("the end of time", w.TIME_MS_MAX, NOW_MS),
            ("beyond time", (1 << 63) - 1, NOW_MS),
            ("six minutes before it was sent", NOW_MS - 6 * MINUTE_MS, NOW_MS),
            ("time 0", 0, NOW_MS),
            ("before time", -1, NOW_MS),
            ("the beginning of time", -(1 << 63), NOW_MS),
        )
    } | {
        "a credit an hour ahead": sent(
            funds(w.COMMAND_CREDIT, time_ms=NOW_MS + HOUR_MS), queue=QueueKind.FUNDS
        ),
        "a credit of 31 days ago": sent(
            funds(w.COMMAND_CREDIT, time_ms=NOW_MS - 31 * 24 * HOUR_MS), queue=QueueKind.FUNDS
        ),
    }


def _of_bodies() -> dict[str, Delivery]:
    whole = b64encode(place()).decode()
    return {
        "nothing": raw(""),
        "no JSON": raw("not json"),
        "a list": raw("[" * 60_000),
        "an unknown field, deep": raw('{"deep":' + '{"a":' * 10_000),
        "an unknown field": sent(place(), tenant=1),
        "too large": raw(" " * (MESSAGE_BYTES_MAX + 1)),
        "an account of 400 digits": raw('{"message_id":"a","account":1' + "0" * 400 + "}"),
        "no command": sent(),
        "half a command": sent(place()[:-8]),
        "a command and a byte": sent(place() + b"\0"),
        "51 commands": sent(*(place(number=1 + n) for n in range(COMMANDS_PER_MESSAGE_MAX + 1))),
        "commands that are no base64": sent(commands="%%%%"),
        "commands as a list": sent(commands=[whole]),
        "reply as a number": sent(place(), reply=1),
        "reply as text": sent(place(), reply="true"),
        "reply as a list": sent(place(), reply=[True]),
        "a digest that is too long": sent(place(), request_digest=b64encode(bytes(17)).decode()),
        "version 1": sent(place(), version=1),
        "version 99": sent(place(), version=99),
        "a version in words": sent(place(), version="two"),
    }


FORGED: dict[str, Delivery] = {
    **_of_kinds(),
    **_of_accounts(),
    **_of_actors(),
    **_of_transfers(),
    **_of_ids_and_texts(),
    **_of_times(),
    **_of_bodies(),
}

HONEST: dict[str, Callable[[], Delivery]] = {
    "an order": lambda: sent(place()),
    "an order of an API key": lambda: sent(place(asked_by=API_KEY)),
    "an order with a client order id": lambda: sent(place(), client_order_ids={"0": "my-1"}),
    "an order that waited for an hour": lambda: sent(
        place(time_ms=NOW_MS - HOUR_MS), sent_ms=NOW_MS - HOUR_MS
    ),
    "an order of a clock four minutes ahead": lambda: sent(place(time_ms=NOW_MS + 4 * MINUTE_MS)),
    "an order of a clock four minutes behind": lambda: sent(place(time_ms=NOW_MS - 4 * MINUTE_MS)),
    "a credit": lambda: sent(funds(w.COMMAND_CREDIT), queue=QueueKind.FUNDS),
    "a credit first asked for a day ago": lambda: sent(
        funds(w.COMMAND_CREDIT, time_ms=NOW_MS - 24 * HOUR_MS), queue=QueueKind.FUNDS
    ),
    "a transfer": lambda: sent(
        funds(w.COMMAND_TRANSFER, to_account=BOB), queue=QueueKind.FUNDS
    ),
    "a transfer to an own sub-account": lambda: _transfer(ALICES_SUB),
    "a transfer by an API key": lambda: _transfer(ALICES_SUB, asked_by=API_KEY),
    "a transfer back": lambda: _transfer(ALICE, account=ALICES_SUB, group="t1-16777282"),
    "a transfer from one sub-account to the next": lambda: _transfer(
        ALICES_SECOND, account=ALICES_SUB, group="t1-16777282"
    ),
    "an asset": lambda: sent(
        command(w.COMMAND_DEFINE_ASSET, 0, 9, 1, 8, 5),
        group="t1-0", account=FEES, queue=QueueKind.FUNDS,
    ),
    "limits of a market": lambda: sent(
        command(w.COMMAND_SET_MARKET_LIMITS, FEES, 1, 5),
        group="t1-0", account=FEES, queue=QueueKind.FUNDS,
    ),
}  # fmt: skip
