import pytest

from tests.unit.worker.fakes import FakeClock
from worker.steady_time import SteadyTime


class Wall(FakeClock):
    offset_ms = 0

    def time_ms(self) -> int:
        return super().time_ms() + self.offset_ms


def test_it_follows_a_clock_that_does_not_jump() -> None:
    clock = Wall()
    time = SteadyTime(clock)
    for _ in range(100):
        clock.now += 0.37
        assert abs(time.now_ms() - clock.time_ms()) <= 1


@pytest.mark.parametrize("jump_ms", [3_600_000, -3_600_000])
def test_a_jump_of_an_hour_is_made_up_slowly_and_never_backwards(jump_ms: int) -> None:
    clock = Wall()
    time = SteadyTime(clock)
    before = time.now_ms()
    clock.offset_ms = jump_ms
    clock.now += 10
    after = time.now_ms()

    assert 9_000 <= after - before <= 11_000
    assert abs(time.off_by_ms) > 3_500_000


def test_in_the_end_the_wall_clock_is_right() -> None:
    clock = Wall()
    time = SteadyTime(clock)
    clock.offset_ms = 60_000
    for _ in range(700):
        clock.now += 1
        time.now_ms()

    assert abs(time.now_ms() - clock.time_ms()) <= 1


def test_a_long_stop_is_time_too() -> None:
    clock = Wall()
    time = SteadyTime(clock)
    clock.now += 7_200

    assert abs(time.now_ms() - clock.time_ms()) <= 1
