"""What becomes of messages that waited while no worker led, up to the four days of the queue."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from bursa.intake.message import CommandMessage, Delivery, encode_message
from bursa.intake.names import order_command_id, order_message_id
from bursa.intake.queue_kinds import QueueKind
from bursa.journal.record import decode_record
from bursa.journal.replica import Head, Replica
from bursa.kernel.identifiers import AccountId
from engine import core, reference
from tests.contract.templates import ROOT, resources
from tests.doubles.deliveries import asked_for
from tests.doubles.shard import ALICE, BOB, NOON_MS, Shard, buy
from wire import codec
from wire import layout as w
from wire.digests import request_digest
from worker.poison import Quarantine
from worker.results import result_offsets, result_reason
from worker.sequencer import Sequencer

SECOND_MS, HOUR_MS = 1_000, 3_600_000
FOUR_DAYS_MS = 96 * HOUR_MS
PRICE, QUANTITY = 23_512, 10

Engines = pytest.mark.parametrize(
    "engine", [core.Engine, reference.Engine], ids=["core", "reference"]
)
Away = pytest.mark.parametrize(
    "away_ms", [HOUR_MS, 3 * HOUR_MS, FOUR_DAYS_MS], ids=["an hour", "three hours", "four days"]
)


def leading(engine: Callable[[], Any]) -> Sequencer:
    """Return a sequencer of a shard whose engine was last at noon."""
    replica = Replica(engine(), Head())
    for record in Shard().records:
        replica.follow(record)
    rng = random.Random(1)
    return Sequencer(replica, 0, 2, lambda: rng.randbytes(16), Quarantine())


def order(number: int, taken_in_ms: int, account: int = ALICE, **terms: Any) -> Delivery:
    """Return an order as the queue delivers it, for the first time or again."""
    name = f"{number:032x}"
    place = buy(account, PRICE, QUANTITY, command_id=(1, number), time_ms=taken_in_ms, **terms)
    body = encode_message(CommandMessage(name, account, asked_for(place), {}, reply=True))
    index = account & ((1 << w.ACCOUNT_TENANT_SHIFT) - 1)
    return Delivery(body, name, f"t1-{index}", name, taken_in_ms, queue=QueueKind.TRADING)


def named_order(client_order_id: str, taken_in_ms: int) -> Delivery:
    """Return an order under a client order id, as intake sends it for a client that waits."""
    account = AccountId.from_number(ALICE)
    command_id = order_command_id(account, client_order_id)
    place = buy(
        ALICE,
        PRICE,
        QUANTITY,
        command_id=(command_id.high, command_id.low),
        time_ms=taken_in_ms,
        time_in_force=w.TIF_IOC,
    )
    command = asked_for(place)
    digest = request_digest([command])
    name = order_message_id(command_id, digest, reply=True).hex()
    message = CommandMessage(
        name, ALICE, command, {0: client_order_id}, reply=True, request_digest=digest
    )
    return Delivery(encode_message(message), name, str(account), name, taken_in_ms)


def decide(sequencer: Sequencer, deliveries: list[Delivery], now_ms: int) -> list[int]:
    """Return the reason of each message's command, 0 for one that was carried out."""
    sequencer.take(deliveries, now_ms)
    reasons = []
    for sealed in sequencer.seal():
        record = decode_record(sealed)
        kinds = [one.kind for one in codec.decode_commands(record.commands)]
        offsets = result_offsets(record.events)[:-1]
        found = [result_reason(record.events, at) for at in offsets]
        reasons += [
            reason
            for kind, reason in zip(kinds, found, strict=True)
            if kind != w.COMMAND_ADVANCE_TIME
        ]
    return reasons


@Engines
@Away
def test_what_was_accepted_while_no_worker_led_is_carried_out(
    engine: Callable[[], Any], away_ms: int
) -> None:
    sequencer = leading(engine)
    assert decide(sequencer, [order(1, NOON_MS + SECOND_MS)], NOON_MS + SECOND_MS) == [0]

    waited = [order(2, NOON_MS + 2 * SECOND_MS), order(3, NOON_MS + away_ms - SECOND_MS)]
    assert decide(sequencer, waited, NOON_MS + away_ms) == [0, 0]


@Engines
@Away
def test_what_was_done_and_is_delivered_again_is_not_done_twice(
    engine: Callable[[], Any], away_ms: int
) -> None:
    """Committed, but not deleted when its worker ended."""
    sequencer = leading(engine)
    # One that is closed at once, so that nothing but the memory of ids knows it.
    once = order(1, NOON_MS + SECOND_MS, time_in_force=w.TIF_IOC)
    decide(sequencer, [once], NOON_MS + SECOND_MS)

    remembered = away_ms < w.ID_MEMORY_MS
    again = decide(sequencer, [once], NOON_MS + SECOND_MS + away_ms)
    assert again == [w.REASON_DUPLICATE_COMMAND if remembered else w.REASON_COMMAND_TOO_OLD]


@Engines
@Away
def test_a_second_delivery_never_takes_the_place_of_the_first_ones_reply(
    engine: Callable[[], Any], away_ms: int
) -> None:
    """However late it comes: a duplicate, or too old to tell."""
    sequencer = leading(engine)
    taken_in_ms = NOON_MS + SECOND_MS
    once = named_order("mine", taken_in_ms)
    sequencer.take([once], taken_in_ms)
    sequencer.take([once], taken_in_ms + away_ms)
    first, again = (one.reply for one in sequencer.pop_acknowledgements(w.WORD_MAX))

    assert first is not None
    assert again is not None
    order_id = order_command_id(AccountId.from_number(ALICE), "mine")
    assert (first.name, first.repeated) == (order_id.hex(), False)
    assert (again.name, again.repeated) == (once.message_id, True)


@Engines
def test_an_open_orders_message_is_known_for_as_long_as_the_queue_keeps_it(
    engine: Callable[[], Any],
) -> None:
    sequencer = leading(engine)
    once = order(1, NOON_MS + SECOND_MS)
    decide(sequencer, [once], NOON_MS + SECOND_MS)
    later_ms = NOON_MS + SECOND_MS + FOUR_DAYS_MS
    assert decide(sequencer, [once], later_ms) == [w.REASON_DUPLICATE_COMMAND]


@Engines
@Away
def test_what_was_overtaken_just_before_the_end_is_refused_after_two_hours(
    engine: Callable[[], Any], away_ms: int
) -> None:
    """The engine can't tell it from what it has done and forgotten, so it says no."""
    sequencer = leading(engine)
    overtaken = order(1, NOON_MS + SECOND_MS)
    decide(sequencer, [order(2, NOON_MS + 2 * SECOND_MS, BOB)], NOON_MS + 2 * SECOND_MS)

    reasons = decide(sequencer, [overtaken], NOON_MS + 2 * SECOND_MS + away_ms)
    assert reasons == [0 if away_ms < w.ID_MEMORY_MS else w.REASON_COMMAND_TOO_OLD]


@Engines
def test_an_order_that_has_expired_meanwhile_does_not_trade(engine: Callable[[], Any]) -> None:
    sequencer = leading(engine)
    expiring = order(
        1,
        NOON_MS + SECOND_MS,
        time_in_force=w.TIF_GTD,
        expire_ms=NOON_MS + HOUR_MS,
    )
    (reason,) = decide(sequencer, [expiring], NOON_MS + 2 * HOUR_MS)
    assert reason == w.REASON_INVALID_EXPIRE_TIME


def test_a_queue_keeps_what_was_accepted_over_a_long_weekend() -> None:
    queues = resources(ROOT / "infra" / "queues.yaml", "AWS::SQS::Queue").values()
    kept_s = {queue["Properties"]["MessageRetentionPeriod"] for queue in queues}
    assert kept_s == {FOUR_DAYS_MS // 1_000}
