"""What an account waits for by its own doing, told apart from what everybody waits for."""

import pytest

from bursa.intake.message import CommandMessage, Delivery, encode_message
from bursa.journal.lease import BusyAccount, QueueState
from bursa.kernel.identifiers import AccountId
from wire import codec
from wire import layout as w
from worker.intake import Inbox
from worker.queue_groups import BUSY_MAX, QueueGroups

FLOOD, OTHER = "t1-66", "t2-1"
ACCOUNT = AccountId.parse(FLOOD)


class Clock:
    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def one(group: str, number: int, sent_ms: int) -> Delivery:
    return Delivery("", f"{group}/{number}", group, f"{number:032x}", sent_ms)


def test_a_flood_waits_for_itself_and_leaves_the_watermark_of_all_alone() -> None:
    """One account sent 600 messages in a second; ten of them go with each turn of 50 ms."""
    clock = Clock()
    inbox = Inbox(1_000, time_ms=clock)
    lag_ms = []
    for turn in range(60):
        clock.now_ms = 1_000 + 50 * turn
        flood = [one(FLOOD, 10 * turn + at, (10 * turn + at) * 1_000 // 600) for at in range(10)]
        inbox.add([*flood, one(f"t2-{turn}", 1, clock.now_ms - 5)], clock.now_ms)
        lag_ms.append(clock.now_ms - inbox.watermark_ms())
        inbox.take(1 << 30)
        clock.now_ms += 40
        inbox.acknowledged([delivery.receipt for delivery in flood])
        inbox.acknowledged([f"t2-{turn}/1"])

    assert max(lag_ms[1:]) <= 50
    state = inbox.queue_state()
    assert [busy.group for busy in state.busy] == [FLOOD]
    assert 2_900 < state.busy[0].own_wait_ms < 3_000


def test_a_stuck_worker_shows_as_what_everybody_waits_for() -> None:
    clock = Clock()
    inbox = Inbox(1_000, time_ms=clock)
    clock.now_ms = 1_000
    inbox.add([one(OTHER, 1, 990), one(FLOOD, 1, 980), one(FLOOD, 2, 985)], clock.now_ms)
    clock.now_ms = 31_000

    assert inbox.queue_state() == QueueState(980, ())


def test_a_turn_that_others_make_long_is_no_own_wait() -> None:
    groups = QueueGroups()
    groups.received([one(OTHER, 1, 1_000)])
    groups.acknowledged([f"{OTHER}/1"], 1_100)
    groups.received([one(OTHER, 2, 1_050)])

    assert groups.waits_since_ms([f"{OTHER}/2"]) == [1_100]


@pytest.mark.parametrize(
    ("messages", "is_busy"),
    [
        pytest.param(20, True, id="twenty in a second"),
        pytest.param(10, False, id="ten in a second"),
    ],
)
def test_an_account_that_sends_much_is_named(messages: int, is_busy: bool) -> None:
    groups = QueueGroups()
    groups.name_busy(1_000)
    groups.received([one(FLOOD, number, 1_500) for number in range(messages)])

    assert groups.name_busy(2_000) == ((BusyAccount(FLOOD, 0),) if is_busy else ())
    assert groups.name_busy(3_000) == ()


@pytest.mark.parametrize(
    ("commands", "messages", "is_busy"),
    [
        pytest.param(12, 9, True, id="batches of twelve"),
        pytest.param(50, 1, True, id="a batch of fifty"),
        pytest.param(2, 9, False, id="pairs"),
        pytest.param(1, 10, False, id="single orders"),
    ],
)
def test_an_account_that_sends_few_large_messages_is_named(
    commands: int, messages: int, is_busy: bool
) -> None:
    words = b"".join(
        codec.encode_place(1, 1, w.SIDE_BUY, 2_000_000 + number, 50_000_000)
        for number in range(commands)
    )
    names = {number: f"bot-7-order-{number}" for number in range(commands)}
    body = encode_message(CommandMessage("ab" * 16, ACCOUNT.number, words, names, reply=True))
    groups = QueueGroups()
    groups.name_busy(1_000)
    groups.received(
        [Delivery(body, f"r{number}", FLOOD, f"{number:032x}", 1_500) for number in range(messages)]
    )

    assert groups.name_busy(2_000) == ((BusyAccount(FLOOD, 0),) if is_busy else ())


def test_the_longest_waits_are_named_and_no_more_than_fit_the_row() -> None:
    groups = QueueGroups()
    for number in range(BUSY_MAX + 10):
        group = f"t1-{number}"
        groups.received([one(group, 1, 0)])
        groups.acknowledged([f"{group}/1"], 2_000 + number)
        groups.received([one(group, 2, 0)])

    named = groups.name_busy(10_000)
    assert len(named) == BUSY_MAX
    assert named[0] == BusyAccount(f"t1-{BUSY_MAX + 9}", 2_000 + BUSY_MAX + 9)


def test_groups_that_are_gone_are_forgotten() -> None:
    groups = QueueGroups()
    for number in range(1_000):
        groups.received([one(f"t1-{number}", 1, 0)])
        groups.acknowledged([f"t1-{number}/1"], 10)
    groups.name_busy(100_000)

    assert not groups._groups
    assert not groups._held
