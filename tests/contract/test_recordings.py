"""What a dry run shows without an account is what today's templates would do."""

from typing import Any

import pytest

from scripts.deploy import recorded
from scripts.deploy.account import Change
from scripts.deploy.errors import DeployError
from scripts.deploy.recorded import NAMES, Recording
from tests.contract.recordings import recordings
from tests.contract.rendering import Stack
from tests.contract.templates import APPLICATION, Json, resources

FUNCTIONS = set(resources(APPLICATION, "AWS::Serverless::Function"))


@pytest.fixture(scope="module")
def today() -> dict[str, Json]:
    return recordings()


def played(content: Json) -> dict[str, Change]:
    """Return the last changes that a recording shows, by path."""
    shown: list[dict[str, Change]] = []

    def show(title: str, changes: tuple[Change, ...], found: list[Change]) -> None:
        del title, found
        shown.append({change.path: change for change in changes})

    recording = Recording(content["title"], content["parameters"], content["calls"])
    recorded.play(recording, show, lambda _line: None, dry_run=True)
    return shown[-1]


def test_a_first_deployment_adds_all_that_the_templates_make_by_default(
    today: dict[str, Json],
) -> None:
    shown = played(today["first"])
    assert {change.action for change in shown.values()} == {"Add"}
    application = Stack(APPLICATION, {})
    assert set(shown) >= FUNCTIONS | set(application.kinds()) - {"CoreLayer", "DependenciesLayer"}
    assert "Storage/JournalTable" in shown
    assert "Shard/Queues/CommandQueue" in shown
    assert not [path for path in shown if path.startswith(("Edge", "CodeSigning", "Shard/Fleet"))]


def test_a_second_one_changes_every_function_and_adds_the_fleet(today: dict[str, Json]) -> None:
    shown = played(today["second"])
    assert {path for path, change in shown.items() if change.causes == ("Code",)} == FUNCTIONS
    fleet = {path for path, change in shown.items() if change.action == "Add"}
    assert {"Shard/Fleet", "Shard/Fleet/LaunchTemplate", "Shard/Fleet/SecondGroup"} <= fleet
    assert all(path.startswith("Shard/Fleet") for path in fleet)


def test_a_tenth_one_stops_at_the_journal(today: dict[str, Json]) -> None:
    with pytest.raises(DeployError, match="Storage/JournalTable"):
        played(today["tenth"])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_shown_that_is_no_more(today: dict[str, Json], name: str) -> None:
    """A name that is gone; new ones are shown after `python -m tests.contract.recordings`."""

    def names(calls: list[Any]) -> set[tuple[str, str]]:
        return {
            (call["asks"]["ChangeSetName"], row["ResourceChange"]["LogicalResourceId"])
            for call in calls
            if call["call"] == "describe_change_set"
            for row in call["answer"]["Changes"]
        }

    gone = names(recorded.read(name).calls) - names(today[name]["calls"])
    # The gateway's deployment has a hash of its responses in its name.
    assert not {one for one in gone if not one[1].startswith("Deployment")}
