import pytest

from benchmarks.rig import Rig
from tests.integration.edge_storm import check_edge_storm, run_edge_storm
from tests.integration.storm import check_storm, run_storm


def test_a_small_storm_loses_and_repeats_nothing() -> None:
    with Rig() as rig:
        storm = run_storm(rig, seed=1, commands=1_500, strikes=2)
        check_storm(storm)

    assert storm.faults > 0
    assert storm.epochs >= 2


def test_a_small_storm_over_the_whole_path_leaves_tables_as_a_rebuild_gives_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Rig() as rig:
        storm = run_edge_storm(rig, monkeypatch, seed=2, requests=80, strikes=1)
        check_edge_storm(storm)

    assert storm.faults > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_a_storm_loses_and_repeats_nothing(seed: int) -> None:
    with Rig() as rig:
        storm = run_storm(rig, seed=seed, commands=10_000, strikes=8)
        check_storm(storm)

    assert storm.faults > 20
    assert storm.epochs >= 3


@pytest.mark.long
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_a_storm_over_the_whole_path_leaves_tables_as_a_rebuild_gives_them(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Rig() as rig:
        storm = run_edge_storm(rig, monkeypatch, seed=seed, requests=800, strikes=5)
        check_edge_storm(storm)

    assert storm.faults > 20
