"""The worker's fleet: two zones, nothing open, an instance that installs itself."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.templates import (
    APPLICATION,
    ROOT,
    Json,
    listed,
    resources,
    statements,
    template,
)

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
    options = data["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 1)
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
    "directive",
    [
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service mincore",
        "SystemCallFilter=~@privileged",
        "SystemCallArchitectures=native",
        "MemoryDenyWriteExecute=yes",
        "RestrictNamespaces=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "ProtectProc=invisible",
        "PrivateDevices=yes",
        "UMask=0077",
        "ReadWritePaths=/var/log/bursa",
    ],
)
def test_the_worker_may_do_nothing_on_its_instance_but_its_work(directive: str) -> None:
    lines = (DEPLOY / "bursa-worker.service").read_text().splitlines()
    service = lines[lines.index("[Service]") : lines.index("[Install]")]
    assert directive in service
    assert "User=bursa" in service


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_systemd_finds_little_exposed() -> None:
    """Of ten; 7.1 before the unit was closed. An old systemd does not know the offline mode."""
    unit = str(DEPLOY / "bursa-worker.service")
    done = subprocess.run(  # noqa: S603 - systemd's own tool
        ["systemd-analyze", "security", "--offline=yes", unit],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
    )
    if "--offline" in done.stderr:
        pytest.skip(done.stderr.strip())
    exposure = done.stdout.rpartition("level for bursa-worker.service: ")[2].split()[0]
    assert float(exposure) <= 2.0


@pytest.mark.parametrize(
    "variable",
    [
        "SHARD",
        "COMMAND_QUEUE_URL",
        "FUNDS_QUEUE_URL",
        "TRANSFERS_QUEUE_URL",
        "JOURNAL_TABLE",
        "REPLIES_TABLE",
        "PROGRESS_TABLE",
        "CHECKPOINT_BUCKET",
        "ARCHIVE_BUCKET",
        "POWERTOOLS_METRICS_NAMESPACE",
        "RECEIVERS",
    ],
)
def test_user_data_sets_what_the_worker_must_know(variable: str) -> None:
    assert f"\n{variable}=" in user_data().replace("  ", "")


PACKAGES = ("python3.13", "amazon-cloudwatch-agent", "aws-cfn-bootstrap")


@pytest.mark.parametrize("there", [(), PACKAGES[:2], PACKAGES], ids=["plain", "partly", "prepared"])
def test_an_image_that_has_the_packages_needs_no_repository(
    tmp_path: Path, there: tuple[str, ...]
) -> None:
    """Runs that part of the boot, with an `rpm` that knows some packages and a `dnf` that notes."""
    loop = re.search(r"^ *for package in .*?^ *done$", user_data(), re.MULTILINE | re.DOTALL)
    assert loop is not None
    asked = tmp_path / "asked"
    asked.touch()
    for name, script in {
        "rpm": f'case " {" ".join(there)} " in *" $3 "*) exit 0;; esac; exit 1',
        "dnf": f'echo "$4" >>{asked}',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    subprocess.run(  # noqa: S603 - a part of our own script
        ["/bin/bash", "-euo", "pipefail", "-c", loop[0].replace("${Python}", PACKAGES[0])],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=True,
        timeout=30,
    )
    assert tuple(asked.read_text().split()) == PACKAGES[len(there) :]


def test_an_instance_that_is_replaced_has_the_image_of_before() -> None:
    """A parameter that names the newest image is another one at each update of the stack."""
    for path in (FLEET, SHARD, APPLICATION):
        kinds = {str(body["Type"]) for body in template(path)["Parameters"].values()}
        assert not [kind for kind in kinds if "SSM" in kind]
    assert launch_data()["ImageId"] == {"Ref": "ImageId"}
    assert template(FLEET)["Parameters"]["ImageId"]["Type"] == "AWS::EC2::Image::Id"


@pytest.mark.parametrize(
    ("name", "default", "inside"),
    [
        ("WorkerImageId", "", "ImageId"),
        ("WorkerInstanceType", "c7g.large", "InstanceType"),
        ("WorkerVolumeGiB", 16, "VolumeGiB"),
        ("WorkerReceivers", 3, "Receivers"),
    ],
)
def test_a_size_of_the_fleet_is_a_parameter(name: str, default: object, inside: str) -> None:
    assert template(APPLICATION)["Parameters"][name]["Default"] == default
    assert resources(APPLICATION)["Shard"]["Properties"]["Parameters"][name] == {"Ref": name}
    assert resources(SHARD)["Fleet"]["Properties"]["Parameters"][inside] == {"Ref": name}


@pytest.mark.parametrize(
    ("kind", "is_allowed"),
    [
        ("c7g.large", True),
        ("c8gn.48xlarge", True),
        ("m7gd.metal", True),
        ("r8g.2xlarge", True),
        ("c7i.large", False),
        ("t4g.medium", False),
        ("c7g", False),
    ],
)
def test_instances_are_of_a_kind_that_the_archive_and_the_placement_are_for(
    kind: str, is_allowed: bool
) -> None:
    pattern = template(APPLICATION)["Parameters"]["WorkerInstanceType"]["AllowedPattern"]
    assert (re.fullmatch(pattern, kind) is not None) == is_allowed


def test_an_archive_that_is_not_what_was_built_is_not_unpacked() -> None:
    script = user_data()
    assert script.index("sha256sum --check") < script.index("tar -xzf")
    assert template(FLEET)["Parameters"]["ArtifactKey"]["AllowedPattern"] == (
        "worker/[0-9a-f]{64}[.]tar[.]gz"
    )


GROUPS = resources(FLEET, "AWS::AutoScaling::AutoScalingGroup")


@pytest.mark.parametrize("name", GROUPS)
def test_an_update_goes_on_only_when_the_new_worker_follows(name: str) -> None:
    group = GROUPS[name]
    assert group["CreationPolicy"] == {"ResourceSignal": {"Count": 1, "Timeout": "PT15M"}}
    policy = group["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert (policy["WaitOnResourceSignals"], policy["PauseTime"]) == (True, "PT15M")
    tags = {tag["Key"]: tag for tag in group["Properties"]["Tags"]}
    assert (tags["Group"]["Value"], tags["Group"]["PropagateAtLaunch"]) == (name, True)


def test_an_instance_signals_failure_on_any_error_and_success_at_the_end() -> None:
    script = user_data()
    assert launch_data()["MetadataOptions"]["InstanceMetadataTags"] == "enabled"
    assert "aws-cfn-bootstrap" in script
    first_fetch = script.index("aws s3 cp")
    assert script.index("trap 'signal 1' ERR") < first_fetch
    lines = [line.strip() for line in script.strip().splitlines()]
    assert lines[-2:] == ["timeout 600 /opt/bursa/worker/deploy/wait_ready.sh", "signal 0"]


def test_the_worker_starts_before_its_log_is_shipped() -> None:
    installer = (DEPLOY / "install.sh").read_text()
    assert installer.index("systemctl enable --now") < installer.index(
        "amazon-cloudwatch-agent-ctl"
    )
    assert "/var/log/cloud-init-output.log" in installer


def test_an_instance_compiles_nothing_and_installs_what_was_locked() -> None:
    assert re.findall(r"dnf .*", user_data()) == ['dnf install -y --quiet "$package"']
    installer = (DEPLOY / "install.sh").read_text()
    assert "--no-index" in installer
    assert "--require-hashes" in installer
    assert "engine.build" not in installer
    _, _, after = installer.partition('-c "import engine._core") ||\n')
    assert after.lstrip().startswith("fail ")


def test_the_workers_packages_are_those_of_the_lock() -> None:
    def locked(path: Path) -> dict[str, set[str]]:
        blocks = re.findall(r"(?m)^([\w.-]+==[^ \n]+)((?:.*\\\n)*.*)", path.read_text())
        return {name: set(re.findall("sha256:[0-9a-f]{64}", hashes)) for name, hashes in blocks}

    own, everything = locked(DEPLOY / "requirements.txt"), locked(ROOT / "requirements.lock")
    assert {"botocore", "msgspec", "zstandard"} <= {name.partition("==")[0] for name in own}
    for name, hashes in own.items():
        assert hashes
        assert hashes <= everything[name]


def test_an_object_that_is_gone_is_not_found_and_not_forbidden() -> None:
    """S3 answers 404 only to who may list, and a read carries no prefix."""
    (role,) = resources(FLEET, "AWS::IAM::Role").values()
    listing = [one for one in statements(role) if one["Action"] == ["s3:ListBucket"]]
    assert len(listing) == 2
    assert all(set(one["Condition"]) == {"StringLikeIfExists"} for one in listing)


def test_there_is_a_way_in_without_a_port_or_a_key() -> None:
    (role,) = resources(FLEET, "AWS::IAM::Role").values()
    assert "ManagedPolicyArns" not in role["Properties"]
    granted = {action for one in statements(role) for action in listed(one["Action"])}
    assert {one for one in granted if one.startswith(("ssm", "ec2"))} == {
        "ssm:UpdateInstanceInformation",
        "ssmmessages:CreateControlChannel",
        "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel",
        "ssmmessages:OpenDataChannel",
    }


def test_a_worker_that_does_not_say_what_it_is_counts_as_missing() -> None:
    alarm = resources(FLEET, "AWS::CloudWatch::Alarm")["NoStandbyAlarm"]["Properties"]
    assert (alarm["TreatMissingData"], alarm["Threshold"]) == ("breaching", 2)
    metrics = {row["Id"]: row for row in alarm["Metrics"]}
    assert metrics["workers"]["Expression"] == "FILL(leading, 0) + FILL(following, 0)"
    for name in ("Leading", "Following"):
        stat = metrics[name.lower()]["MetricStat"]
        assert (stat["Metric"]["MetricName"], stat["Stat"]) == (name, "Maximum")


@pytest.mark.parametrize(
    ("log", "failed", "status"),
    [
        ('{"message": "State rebuilt", "head": 0}\n', False, 0),
        ('{"message": "Starting"}\n', True, 1),
        ("", True, 1),
    ],
    ids=["ready", "ended", "never started"],
)
def test_the_boot_waits_for_the_worker(tmp_path: Path, log: str, failed: bool, status: int) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\nexit {0 if failed else 1}\n")
    systemctl.chmod(0o755)
    (tmp_path / "worker.log").write_text(log)
    done = subprocess.run(  # noqa: S603 - our own script
        [str(DEPLOY / "wait_ready.sh")],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "WORKER_LOG": str(tmp_path / "worker.log"),
        },
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == status


def test_the_boot_waits_for_a_line_that_the_worker_writes() -> None:
    assert '"State rebuilt"' in (ROOT / "worker" / "shard.py").read_text()
    assert '"message": "State rebuilt"' in (DEPLOY / "wait_ready.sh").read_text()
