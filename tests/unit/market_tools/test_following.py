"""A channel is kept in step whatever is lost, repeated, late or out of order on the way."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.market.following import KEPT_MAX, ChannelFollower
from scripts.market.seen import BookView

Message = dict[str, Any]


def message(kind: str, sequence: int, previous: int = 0, **more: Any) -> Message:
    fields = {"type": kind, "sequence": sequence, "previous_sequence": previous, "epoch": 1}
    return fields | more


def taken(follower: ChannelFollower, *messages: Message) -> list[int]:
    return [one["sequence"] for each in messages for one in follower.take(each)]


def test_updates_follow_a_snapshot() -> None:
    follower = ChannelFollower()
    assert taken(follower, message("snapshot", 5), message("update", 7, 5)) == [5, 7]
    assert not follower.needs_snapshot


def test_what_comes_before_the_snapshot_is_kept_and_what_it_holds_is_dropped() -> None:
    follower = ChannelFollower()
    early = [message("update", 5, 3), message("update", 8, 5)]
    assert taken(follower, *early) == []
    assert taken(follower, message("snapshot", 6)) == [6, 8]
    assert follower.last == 8


def test_a_repeat_is_dropped() -> None:
    follower = ChannelFollower()
    update = message("update", 7, 5)
    assert taken(follower, message("snapshot", 5), update, update) == [5, 7]


def test_a_hole_asks_for_a_snapshot_and_what_came_after_it_is_kept() -> None:
    follower = ChannelFollower()
    assert taken(follower, message("snapshot", 5), message("update", 9, 7)) == [5]
    assert follower.needs_snapshot
    assert taken(follower, message("snapshot", 7)) == [7, 9]
    assert (follower.needs_snapshot, follower.resets) == (False, 1)


def test_changes_that_were_not_sent_ask_for_a_snapshot() -> None:
    follower = ChannelFollower()
    assert taken(follower, message("snapshot", 5), message("missed", 9, 5)) == [5]
    assert follower.needs_snapshot


def test_a_long_update_counts_when_all_of_its_parts_have_come() -> None:
    follower = ChannelFollower()
    first = message("update", 7, 5, part=1, parts=2)
    assert taken(follower, message("snapshot", 5), first) == [5, 7]
    assert follower.last == 5
    assert taken(follower, message("update", 7, 5, part=2, parts=2)) == [7]
    assert follower.last == 7


def test_a_long_snapshot_counts_when_all_of_its_parts_have_come() -> None:
    follower, book = ChannelFollower(), BookView()
    first, last = ({"bids": [[price, "1"]], "asks": []} for price in ("100", "99"))
    arriving = [
        message("snapshot", 5, part=1, parts=2, time_ms=5, data=first),
        message("update", 7, 5, time_ms=7, data={"bids": [["98", "1"]], "asks": []}),
        message("snapshot", 5, part=2, parts=2, time_ms=5, data=last),
    ]
    applied = [one for each in arriving for one in follower.take(each)]
    for one in applied:
        book.apply(one)
    assert [one["sequence"] for one in applied] == [5, 5, 7]
    assert [str(price) for price, _ in book.best_bids(5)] == ["100", "99", "98"]


def test_another_history_starts_over() -> None:
    follower = ChannelFollower()
    taken(follower, message("snapshot", 50, epoch=3))
    assert taken(follower, message("update", 4, 2, epoch=1)) == []
    assert follower.needs_snapshot
    assert taken(follower, message("snapshot", 3, epoch=1)) == [3, 4]


def test_a_channel_without_a_snapshot_keeps_a_bounded_number() -> None:
    follower = ChannelFollower()
    taken(follower, *(message("update", n, n - 1) for n in range(1, KEPT_MAX + 3)))
    assert follower.needs_snapshot
    assert taken(follower, message("snapshot", KEPT_MAX)) == [KEPT_MAX, KEPT_MAX + 1, KEPT_MAX + 2]


BOOKS = st.lists(
    st.dictionaries(st.sampled_from(["1", "2", "3"]), st.sampled_from(["0", "1", "2"]), min_size=1),
    min_size=1,
    max_size=20,
)


@given(BOOKS, st.data())
def test_a_followed_book_is_never_wrong_without_knowing_it(
    changes: list[dict[str, str]], data: st.DataObject
) -> None:
    """Updates are lost, repeated and late; a snapshot comes when the follower asks for one."""
    state: dict[str, str] = {}
    truths = [state]
    for change in changes:
        state = {**state, **change}
        truths.append({price: size for price, size in state.items() if size != "0"})
    sent = [
        message("update", n, n - 1, data={"bids": list(change.items()), "asks": []}, time_ms=n)
        for n, change in enumerate(changes, start=1)
    ]
    arrived = data.draw(st.lists(st.sampled_from(sent), max_size=40))
    follower, book = ChannelFollower(), BookView()

    def hear(one: Message) -> None:
        for each in follower.take(one):
            book.apply(each)

    def snapshot(sequence: int) -> Message:
        levels = list(truths[sequence].items())
        return message("snapshot", sequence, data={"bids": levels, "asks": []}, time_ms=sequence)

    hear(snapshot(0))
    for one in arrived:
        hear(one)
        if follower.needs_snapshot and data.draw(st.booleans()):
            hear(snapshot(data.draw(st.integers(follower.last or 0, len(changes)))))
        assert follower.last is not None
        shown = {f"{price}": f"{size}" for price, size in book.bids.items()}
        assert shown == truths[follower.last]


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_new_connection_begins_with_its_snapshot(repeats: int) -> None:
    follower = ChannelFollower()
    taken(follower, message("snapshot", 5))
    for _ in range(repeats):
        follower.start_over()
        assert taken(follower, message("update", 9, 8)) == []
        assert taken(follower, message("snapshot", 8)) == [8, 9]
