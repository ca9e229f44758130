import pytest

from benchmarks.rig import Rig
from tests.integration.storm import check_storm, run_storm


def test_a_small_storm_loses_and_repeats_nothing() -> None:
    with Rig() as rig:
        storm = run_storm(rig, seed=1, commands=1_500, strikes=2)
        check_storm(storm)

    assert storm.faults > 0
    assert storm.epochs >= 2


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_storm_loses_and_repeats_nothing(seed: int) -> None:
    with Rig() as rig:
        storm = run_storm(rig, seed=seed, commands=10_000, strikes=8)
        check_storm(storm)

    assert storm.faults > 20
    assert storm.epochs >= 3
