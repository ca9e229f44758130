"""What a deployment keeps until another is asked for: the fleet's image, who signs the code."""

from collections.abc import Mapping

import pytest

from scripts.deploy.options import Options
from scripts.deploy.signing import SIGNING_PROFILE
from tests.doubles.cloudformation import (
    CODE,
    REGION,
    Images,
    Packages,
    Stack,
    asked_for,
    deploy,
)

PROFILE = f"arn:aws:signer:{REGION}:111122223333:/signing-profiles/Bursa/AbCdEf0123"


@pytest.mark.parametrize(
    ("running", "wanted", "signs", "parameter"),
    [
        pytest.param({}, {}, "", "", id="unless asked for, nothing is signed"),
        pytest.param({}, {SIGNING_PROFILE: PROFILE}, PROFILE, PROFILE, id="asked for"),
        pytest.param({SIGNING_PROFILE: PROFILE}, {}, PROFILE, None, id="and later too"),
        pytest.param({SIGNING_PROFILE: PROFILE}, {SIGNING_PROFILE: ""}, "", "", id="no more"),
    ],
)
def test_code_is_signed_by_the_profile_that_the_functions_ask_for(
    stack: Stack, running: dict[str, str], wanted: dict[str, str], signs: str, parameter: str | None
) -> None:
    stack.present(running)
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({})
    packages = Packages()

    deploy(stack, Options("bursa", REGION, wanted), packages)

    assert packages.done[-1] == f"publish to artifacts-1{signs and ', signed by '}{signs}"
    assert asked_for(stack.calls("CreateChangeSet")[-1])[SIGNING_PROFILE] == parameter


OLD, NEW = "ami-00000000000000001", Images().newest_id
FLEET = {"WorkerFleet": "true", "WorkerVpcId": "vpc-1", "WorkerSubnetIds": "a1,b1"}


@pytest.mark.parametrize(
    ("running", "wanted", "image"),
    [
        pytest.param({}, FLEET, NEW, id="a first fleet has the newest"),
        pytest.param(FLEET, {}, NEW, id="one of before has had none of its own"),
        pytest.param({**FLEET, "WorkerImageId": OLD}, {}, None, id="it stays"),
        pytest.param({**FLEET, "WorkerImageId": OLD}, FLEET, None, id="it stays when named again"),
        pytest.param(
            {**FLEET, "WorkerImageId": OLD}, {"WorkerImageId": "latest"}, NEW, id="until asked for"
        ),
        pytest.param(
            {**FLEET, "WorkerImageId": NEW}, {"WorkerImageId": OLD}, OLD, id="or for another"
        ),
        pytest.param({}, {"WorkerImageId": "latest"}, NEW, id="ahead of its fleet"),
        pytest.param({}, {}, "", id="without a fleet there is none"),
    ],
)
def test_a_fleet_keeps_its_image_until_another_is_asked_for(
    stack: Stack, running: Mapping[str, str], wanted: Mapping[str, str], image: str | None
) -> None:
    stack.present(running)
    stack.present({})
    stack.proposes_nothing()
    stack.proposes(CODE)
    stack.answers("execute_change_set", {})
    stack.present({})

    deploy(stack, Options("bursa", REGION, wanted))

    assert asked_for(stack.calls("CreateChangeSet")[-1])["WorkerImageId"] == image
