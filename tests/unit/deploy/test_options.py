"""What can be asked of `make deploy`, and what is refused before AWS is called."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console
from samcli.cli.types import SigningProfilesOptionType  # type: ignore[import-untyped]

from scripts.deploy import builds, report
from scripts.deploy.account import Change
from scripts.deploy.errors import DeployError
from scripts.deploy.options import read_options
from scripts.deploy.signing import SIGNING_PROFILE, sam_arguments

PLACE = {"STACK": "bursa", "REGION": "eu-central-1"}


def test_the_variables_become_parameters() -> None:
    options = read_options(
        ["--set", "LogRetentionDays=90"],
        {
            **PLACE,
            "ALARM_EMAIL": "ops@example.com",
            "WORKER_VPC": "vpc-1",
            "WORKER_SUBNETS": "subnet-a, subnet-b",
            "WORKER_IMAGE": "latest",
            "WORKER_TYPE": "c7g.xlarge",
            "WORKER_VOLUME": "32",
            "WORKER_RECEIVERS": "6",
        },
    )
    assert (options.stack, options.region, options.dry_run) == ("bursa", "eu-central-1", False)
    assert options.parameters == {
        "LogRetentionDays": "90",
        "AlarmEmail": "ops@example.com",
        "WorkerFleet": "true",
        "WorkerVpcId": "vpc-1",
        "WorkerSubnetIds": "subnet-a,subnet-b",
        "WorkerImageId": "latest",
        "WorkerInstanceType": "c7g.xlarge",
        "WorkerVolumeGiB": "32",
        "WorkerReceivers": "6",
    }


def test_code_is_signed_by_a_version_of_a_profile_until_there_is_none() -> None:
    profile = "arn:aws:signer:eu-central-1:111122223333:/signing-profiles/Bursa/AbCdEf0123"
    for given, parameter in {profile: profile, "none": ""}.items():
        parameters = read_options([], {**PLACE, "SIGNING_PROFILE": given}).parameters
        assert parameters == {SIGNING_PROFILE: parameter}


def test_sam_signs_every_function_and_every_layer() -> None:
    """What `sam package` reads from our argument, by its own reader."""
    coded = builds.coded_resources()
    assert {"Authorizer", "CoreLayer", "DependenciesLayer", "TradingApi"} <= set(coded)
    profile = "arn:aws:signer:eu-central-1:111122223333:/signing-profiles/Bursa_1/AbCdEf0123"
    option, value = sam_arguments(profile, coded)
    assert option == "--signing-profiles"
    by = {"profile_name": "Bursa_1", "profile_owner": "111122223333"}
    assert SigningProfilesOptionType().convert(value, None, None) == dict.fromkeys(coded, by)
    assert sam_arguments("", coded) == []


def test_what_is_not_named_is_no_parameter() -> None:
    empty = dict.fromkeys(("ALARM_EMAIL", "WORKER_IMAGE", "WORKER_TYPE", "WORKER_VPC"), "")
    assert read_options([], {**PLACE, **empty}).parameters == {}


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        ([], {}, "STACK="),
        ([], {"STACK": "bursa"}, "REGION="),
        ([], {"STACK": "1st", "REGION": "eu-central-1"}, "letter first"),
        ([], {"STACK": "b" * 24, "REGION": "eu-central-1"}, "23 characters at most"),
        ([], {"STACK": "bursa", "REGION": "Frankfurt"}, "no region"),
        ([], {**PLACE, "ALARM_EMAIL": "ops"}, "no e-mail"),
        ([], {**PLACE, "WORKER_VPC": "vpc-1"}, "exactly two subnets"),
        ([], {**PLACE, "WORKER_SUBNETS": "a,b"}, "WORKER_VPC"),
        ([], {**PLACE, "WORKER_VPC": "v", "WORKER_SUBNETS": "a,a"}, "exactly two subnets"),
        ([], {**PLACE, "WORKER_VPC": "v", "WORKER_SUBNETS": "a,b,c"}, "exactly two subnets"),
        ([], {**PLACE, "WORKER_IMAGE": "newest"}, "no image"),
        ([], {**PLACE, "WORKER_IMAGE": "/aws/service/ami"}, "no image"),
        ([], {**PLACE, "SIGNING_PROFILE": "Bursa"}, "profileVersionArn"),
        (
            [],
            {**PLACE, "SIGNING_PROFILE": "arn:aws:signer:x:111122223333:/signing-profiles/Bursa"},
            "profileVersionArn",
        ),
        ([], {**PLACE, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "not be AWS"),
        (["--set", "LogRetentionDays"], PLACE, "NAME=VALUE"),
        (["--dry-run"], {"STACK": "bursa"}, "REGION="),
    ],
)
def test_what_can_not_be_meant_is_refused_with_the_next_step(
    arguments: list[str], environment: Mapping[str, str], sentence: str
) -> None:
    with pytest.raises(DeployError, match=sentence):
        read_options(arguments, environment)


def test_a_dry_run_without_a_stack_shows_the_recorded_deployments() -> None:
    assert read_options(["--dry-run"], {}).recorded
    assert not read_options(["--dry-run"], PLACE).recorded


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "STACK", "REGION"))}
    return subprocess.run(  # noqa: S603 - the tool itself
        [sys.executable, "-m", "scripts.deploy", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=builds.ROOT,
        env={**clean, **environment, "COLUMNS": "160"},
    )


def test_the_command_shows_three_deployments_without_an_account() -> None:
    done = run("--dry-run")
    assert done.returncode == 0, done.stderr
    assert "new, with" in done.stdout
    assert "Storage/JournalTable" in done.stdout
    assert "Nothing was changed, because" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_lists_every_change_and_marks_what_stops() -> None:
    changes = (
        Change("Api", "AWS::ApiGateway::RestApi", "Modify", "False", ("Body",)),
        Change("Storage/JournalTable", "AWS::DynamoDB::Table", "Modify", "True", ("KeySchema",)),
    )
    rows = json.loads(report.as_json(changes, [changes[1]]))
    assert [row["stops_the_deployment"] for row in rows] == [False, True]
    assert rows[1]["because_of"] == ["KeySchema"]


def test_a_stack_that_is_new_as_a_whole_is_one_row() -> None:
    console = Console(width=160, record=True, file=io.StringIO())
    changes = [
        Change("Storage", "AWS::CloudFormation::Stack", "Add"),
        Change("Storage/JournalTable", "AWS::DynamoDB::Table", "Add"),
        Change("StorageOther", "AWS::DynamoDB::Table", "Add"),
    ]
    report.show(console, changes, [])
    printed = console.export_text()
    assert "new, with 1 in it" in printed
    assert "Storage/JournalTable" not in printed
    assert "StorageOther" in printed
    assert "3 to add" in printed


def test_a_wrong_call_is_one_sentence_and_status_2() -> None:
    done = run(STACK="bursa")
    assert done.returncode == 2
    assert done.stderr.startswith("deploy: REGION=")
    assert len(done.stderr.strip().splitlines()) <= 2


def test_the_templates_parameters_are_read_with_their_defaults() -> None:
    declared = builds.declared_parameters()
    assert declared["LogRetentionDays"] == "30"
    assert declared["PythonRuntime"] == "python3.13"


def test_a_runtime_that_lambda_lacks_is_refused() -> None:
    with pytest.raises(DeployError, match="does not know"):
        builds.runtime(allowed=["python2.7"])
    assert builds.runtime().startswith("python3.")


def test_an_upload_is_named_by_its_whole_hash(tmp_path: Path) -> None:
    class Bucket:
        def __init__(self) -> None:
            self.put: dict[str, bytes] = {}

        def put_object(self, **call: object) -> None:
            self.put[str(call["Key"])] = bytes(call["Body"])  # type: ignore[call-overload]

    bucket = Bucket()
    archive = tmp_path / "bursa-worker.tar.gz"
    archive.write_bytes(b"worker")
    key = builds.upload(bucket, "bucket", archive, "worker")  # type: ignore[arg-type]
    assert key == "worker/87eba76e7f3164534045ba922e7770fb58bbd14ad732bbf5ba6f11cc56989e6e.tar.gz"
    assert bucket.put == {key: b"worker"}
