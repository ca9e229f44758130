"""What a deployment needs of the account's quotas, and what is said when there is less."""

from collections.abc import Iterator, Mapping

import boto3
import pytest
from botocore.stub import Stubber

from scripts.deploy import builds
from scripts.deploy.account import RunningStack
from scripts.deploy.errors import DeployError
from scripts.deploy.quotas import Need, ServiceQuotas, check, needs
from tests.contract.templates import APPLICATION, resources

REGION = "eu-central-1"
LAMBDA = ("lambda", "L-B99A9384")
VCPUS = ("ec2", "L-1216C47A")
FLEET = {"WorkerFleet": "true"}


def needed(
    wanted: Mapping[str, str], running: Mapping[str, str] | None = None
) -> dict[tuple[str, str], int]:
    stack = None if running is None else RunningStack("UPDATE_COMPLETE", running, {})
    found = needs(builds.reservations(), builds.declared_parameters(), stack, wanted)
    return {(need.service, need.code): need.amount for need in found}


def test_reserved_executions_and_a_hundred_for_others() -> None:
    functions = builds.reservations().functions
    assert functions["FunctionConcurrency"] >= 8
    assert functions["KycConcurrency"] == 10
    assert sum(functions.values()) == len(resources(APPLICATION, "AWS::Serverless::Function"))
    others = 10 * 10 + 350 + 40 + 100
    assert needed({})[LAMBDA] == functions["FunctionConcurrency"] * 50 + others
    fewer = needed({"FunctionConcurrency": "10", "KycConcurrency": "1"})[LAMBDA]
    assert fewer == functions["FunctionConcurrency"] * 10 + 10 + 350 + 40 + 100


def test_what_is_not_named_is_what_runs() -> None:
    functions = builds.reservations().functions["FunctionConcurrency"]
    running = {"FunctionConcurrency": "20", "TradingApiConcurrency": "100", **FLEET}
    running |= {"WorkerInstanceType": "r8g.4xlarge"}
    assert needed({}, running)[LAMBDA] == functions * 20 + 10 * 10 + 100 + 40 + 100
    assert needed({}, running)[VCPUS] == 32
    assert LAMBDA not in needed({"FunctionConcurrency": "0"}, running)


@pytest.mark.parametrize(
    ("kind", "quota", "vcpus"),
    [
        ("c7g.medium", VCPUS, 2),
        ("c7g.large", VCPUS, 4),
        ("m7gd.xlarge", VCPUS, 8),
        ("c8g.48xlarge", VCPUS, 384),
        ("x2gd.2xlarge", ("ec2", "L-7295265B"), 16),
    ],
)
def test_a_fleet_needs_the_processors_of_two_instances(
    kind: str, quota: tuple[str, str], vcpus: int
) -> None:
    assert needed({**FLEET, "WorkerInstanceType": kind})[quota] == vcpus
    assert quota not in needed({"WorkerInstanceType": kind})


def test_a_size_that_its_name_does_not_tell_is_not_compared() -> None:
    assert VCPUS not in needed({**FLEET, "WorkerInstanceType": "c7g.metal"})


def test_tables_and_requests_are_the_templates() -> None:
    reserved = builds.reservations()
    assert reserved.tables >= 12
    assert 9_000 < reserved.requests_per_s <= 10_000
    assert needed({})["dynamodb", "L-F98FE922"] == reserved.tables
    assert needed({})["apigateway", "L-8A5B8E43"] == reserved.requests_per_s


class Limit:
    """An account whose every quota is the same."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit

    def value(self, service: str, code: str) -> float | None:
        del service, code
        return self.limit


MUST = Need("lambda", "L-B99A9384", "Lambda executions", 900, otherwise="until then reserve none")
SHOULD = Need("kms", "L-6E3AF000", "KMS requests a second", 5_500, is_must=False)


def test_enough_is_nothing_to_say() -> None:
    said: list[str] = []
    check([MUST, SHOULD], Limit(5_500), REGION, said.append)
    assert said == []


def test_too_little_of_a_must_is_one_sentence_with_the_next_step() -> None:
    with pytest.raises(DeployError) as caught:
        check([MUST], Limit(10), REGION, lambda _line: None)
    assert str(caught.value) == (
        "Nothing was changed. Lambda executions: 900 needed, the account has 10: ask for more (aws "
        "service-quotas request-service-quota-increase --region eu-central-1 --service-code lambda "
        "--quota-code L-B99A9384 --desired-value 900); until then reserve none."
    )


def test_too_little_of_what_only_slows_is_said_and_goes_on() -> None:
    said: list[str] = []
    check([SHOULD], Limit(1_000), REGION, said.append)
    assert "5,500 needed, the account has 1,000" in said[0]


def test_a_quota_that_may_not_be_read_is_said_and_goes_on() -> None:
    said: list[str] = []
    check([MUST], Limit(None), REGION, said.append)
    assert "servicequotas:GetServiceQuota" in said[0]


@pytest.fixture
def stubbed() -> Iterator[tuple[ServiceQuotas, Stubber]]:
    client = boto3.client(
        "service-quotas",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - opens nothing
    )
    with Stubber(client) as stubber:
        yield ServiceQuotas(client), stubber
        stubber.assert_no_pending_responses()


ASKS = {"ServiceCode": "lambda", "QuotaCode": "L-B99A9384"}
ANSWER = {"Quota": {"Value": 1_000.0}}


def test_a_quota_is_what_was_granted(stubbed: tuple[ServiceQuotas, Stubber]) -> None:
    quotas, stubber = stubbed
    stubber.add_response("get_service_quota", ANSWER, ASKS)
    assert quotas.value(*LAMBDA) == 1_000


def test_or_the_default_where_nothing_was(stubbed: tuple[ServiceQuotas, Stubber]) -> None:
    quotas, stubber = stubbed
    stubber.add_client_error("get_service_quota", "NoSuchResourceException", expected_params=ASKS)
    stubber.add_response("get_aws_default_service_quota", ANSWER, ASKS)
    assert quotas.value(*LAMBDA) == 1_000


def test_who_may_not_read_it_gets_none(stubbed: tuple[ServiceQuotas, Stubber]) -> None:
    quotas, stubber = stubbed
    stubber.add_client_error("get_service_quota", "AccessDeniedException")
    assert quotas.value(*LAMBDA) is None
