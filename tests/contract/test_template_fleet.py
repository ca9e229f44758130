"""The worker's fleet: two zones, nothing open, an instance that installs itself."""

import pytest

from tests.contract.templates import APPLICATION, ROOT, Json, resources, template

FLEET = ROOT / "infra" / "worker-fleet.yaml"
SHARD = ROOT / "infra" / "shard.yaml"
DEPLOY = ROOT / "worker" / "deploy"


def launch_data() -> Json:
    (launch,) = resources(FLEET, "AWS::EC2::LaunchTemplate").values()
    data: Json = launch["Properties"]["LaunchTemplateData"]
    return data


def user_data() -> str:
    text: str = launch_data()["UserData"]["Fn::Base64"]["Fn::Sub"]
    return text


def test_no_fleet_unless_asked_for() -> None:
    assert template(APPLICATION)["Parameters"]["WorkerFleet"]["Default"] == "false"
    fleet = resources(SHARD)["Fleet"]
    assert fleet["Properties"]["TemplateURL"] == FLEET.name
    assert fleet["Condition"] == "HasFleet"


def test_a_worker_and_its_standby_live_in_different_zones() -> None:
    groups = resources(FLEET, "AWS::AutoScaling::AutoScalingGroup")
    assert [group["Properties"]["VPCZoneIdentifier"] for group in groups.values()] == [
        [{"Ref": "FirstSubnetId"}],
        [{"Ref": "SecondSubnetId"}],
    ]
    for group in groups.values():
        assert (group["Properties"]["MinSize"], group["Properties"]["MaxSize"]) == ("1", "1")
    placements = resources(FLEET, "AWS::EC2::PlacementGroup")
    assert len(placements) == len(groups)
    assert {body["Properties"]["Strategy"] for body in placements.values()} == {"cluster"}


def test_updates_never_take_both_at_once() -> None:
    groups = resources(FLEET, "AWS::AutoScaling::AutoScalingGroup")
    assert groups["SecondGroup"]["DependsOn"] == "FirstGroup"


def test_an_instance_is_closed() -> None:
    (group,) = resources(FLEET, "AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group["Properties"]
    assert [rule["ToPort"] for rule in group["Properties"]["SecurityGroupEgress"]] == [443]
    data = launch_data()
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert "KeyName" not in data


def test_user_data_fetches_the_archive_and_runs_its_installer() -> None:
    script = user_data()
    assert script.startswith("#!/bin/bash\n")
    assert "set -euxo pipefail" in script
    assert '"s3://${ArtifactBucket}/${ArtifactKey}"' in script
    assert "/opt/bursa/worker/deploy/install.sh" in script
    assert "pip install" not in script


def test_the_installer_starts_the_unit_that_runs_the_worker() -> None:
    installer = (DEPLOY / "install.sh").read_text()
    assert 'bursa-worker.service" /etc/systemd/system/' in installer
    assert "systemctl enable --now bursa-worker" in installer
    unit = (DEPLOY / "bursa-worker.service").read_text()
    assert "ExecStart=/opt/bursa/venv/bin/python -m worker" in unit
    assert "Restart=always" in unit
    assert "EnvironmentFile=/etc/bursa/worker.env" in unit


@pytest.mark.parametrize(
    "variable",
    [
        "SHARD",
        "COMMAND_QUEUE_URL",
        "JOURNAL_TABLE",
        "REPLIES_TABLE",
        "PROGRESS_TABLE",
        "CHECKPOINT_BUCKET",
    ],
)
def test_user_data_sets_what_the_worker_must_know(variable: str) -> None:
    assert f"\n{variable}=" in user_data().replace("  ", "")


def test_an_archive_that_is_not_what_was_built_is_not_unpacked() -> None:
    script = user_data()
    assert script.index("sha256sum --check") < script.index("tar -xzf")
    assert template(FLEET)["Parameters"]["ArtifactKey"]["AllowedPattern"] == (
        "worker/[0-9a-f]{64}[.]tar[.]gz"
    )
