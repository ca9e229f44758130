import pytest

from bursa.journal.errors import OutcomeUnknown
from bursa.journal.lease import BusyAccount, LeaseRow, QueueState
from tests.unit.worker.fakes import FakeClock, FakeLeases, run
from worker.commit import Deposed
from worker.lease import Lease

OTHER = LeaseRow("other", 4, 17)


def lease_on(store: FakeLeases, clock: FakeClock, owner: str = "mine") -> Lease:
    return Lease(store, clock, owner, 5.0)


@pytest.mark.parametrize(
    ("row", "floor", "epoch"),
    [
        pytest.param(None, 0, 1, id="no worker ever led"),
        pytest.param(None, 9, 10, id="the row was lost, the journal knows"),
        pytest.param(LeaseRow("other", 4, 17, released=True), 3, 5, id="released"),
        pytest.param(LeaseRow("mine", 4, 17), 4, 5, id="mine, from before a fault"),
    ],
)
def test_a_free_lease_is_taken_at_once(row: LeaseRow | None, floor: int, epoch: int) -> None:
    store, clock = FakeLeases(row), FakeClock()
    lease = lease_on(store, clock)

    assert run(lease.try_acquire(floor)) == epoch
    assert store.row is not None
    assert (store.row.owner, store.row.epoch) == ("mine", epoch)
    assert lease.held()


def test_a_silent_holder_keeps_it_for_the_whole_duration() -> None:
    store, clock = FakeLeases(OTHER), FakeClock()
    lease = lease_on(store, clock)

    assert run(lease.try_acquire(0)) is None
    clock.now += 4.9
    assert run(lease.try_acquire(0)) is None
    clock.now += 0.1
    assert run(lease.try_acquire(0)) == 5


def test_a_beat_starts_the_wait_again() -> None:
    store, clock = FakeLeases(OTHER), FakeClock()
    lease = lease_on(store, clock)
    run(lease.try_acquire(0))
    clock.now += 4.9
    store.row = LeaseRow("other", 4, 18)

    assert run(lease.try_acquire(0)) is None
    clock.now += 4.9
    assert run(lease.try_acquire(0)) is None


def test_of_two_only_one_takes_it() -> None:
    store, clock = FakeLeases(LeaseRow("gone", 1, 1, released=True)), FakeClock()
    stale = LeaseRow("gone", 1, 1, released=True)

    class Slow(FakeLeases):
        async def read(self) -> LeaseRow | None:
            return stale

        async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
            return await store.swap(expected, row)

    assert run(lease_on(store, clock, "first").try_acquire(1)) == 2
    second = lease_on(Slow(), clock, "second")
    assert run(second.try_acquire(1)) is None
    assert not second.held()


def test_a_leader_stops_trusting_itself_before_a_follower_may_take_over() -> None:
    store, clock = FakeLeases(), FakeClock()
    leader, follower = lease_on(store, clock, "leader"), lease_on(store, clock, "follower")
    run(leader.try_acquire(0))
    run(follower.try_acquire(0))

    clock.now += 4.5
    assert not leader.held()
    assert run(follower.try_acquire(0)) is None


def test_a_leader_that_was_stopped_too_long_is_deposed_without_asking() -> None:
    store, clock = FakeLeases(), FakeClock()
    lease = lease_on(store, clock)
    run(lease.try_acquire(0))
    clock.now += 60

    assert not lease.held()
    with pytest.raises(Deposed):
        run(lease.keep(QueueState))


def test_a_leader_that_reads_anothers_row_is_deposed() -> None:
    store, clock = FakeLeases(), FakeClock()
    lease = lease_on(store, clock)
    run(lease.try_acquire(0))
    store.row = LeaseRow("other", 2, 9)

    with pytest.raises(Deposed):
        run(lease.keep(QueueState))


def test_a_renewal_whose_response_was_lost_is_recognised() -> None:
    clock = FakeClock()

    class LosesOneAnswer(FakeLeases):
        renewals = 0

        async def swap(self, expected: LeaseRow | None, row: LeaseRow) -> bool:
            done = await super().swap(expected, row)
            self.renewals += 1
            if self.renewals == 2:
                raise OutcomeUnknown("no answer")
            if self.renewals == 5:
                raise Deposed("enough seen")
            return done

    store = LosesOneAnswer()
    lease = lease_on(store, clock)
    run(lease.try_acquire(0))

    with pytest.raises(Deposed, match="enough seen"):
        run(lease.keep(QueueState))
    assert store.row is not None
    assert store.row.owner == "mine"


def test_a_released_lease_is_anybodys() -> None:
    store, clock = FakeLeases(), FakeClock()
    lease = lease_on(store, clock)
    run(lease.try_acquire(0))
    run(lease.release())

    assert not lease.held()
    assert run(lease_on(store, clock, "next").try_acquire(0)) == 2


def test_the_row_holds_the_watermark_and_a_standby_takes_it_over() -> None:
    store, clock = FakeLeases(), FakeClock()
    lease = lease_on(store, clock)
    run(lease.try_acquire(0))
    busy = (BusyAccount("t1-7", 1_500),)
    states = iter((QueueState(), QueueState(700), QueueState(900, busy), QueueState()))
    seen: list[tuple[int, tuple[BusyAccount, ...]]] = []

    def queue_state() -> QueueState:
        assert store.row is not None
        seen.append((store.row.watermark_ms, store.row.busy))
        if len(seen) == 4:
            raise Deposed("enough seen")
        return next(states)

    with pytest.raises(Deposed, match="enough seen"):
        run(lease.keep(queue_state))
    run(lease.release())
    run(lease_on(store, clock, "next").try_acquire(0))

    assert seen == [(0, ()), (0, ()), (700, ()), (900, busy)]
    assert store.row is not None
    assert (store.row.owner, store.row.watermark_ms) == ("next", 900)
