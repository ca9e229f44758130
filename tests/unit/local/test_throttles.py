"""What a template sets for one method is what the emulator holds that method to."""

from typing import Any

import pytest
from ministack.services import apigateway_v1  # type: ignore[import-untyped]
from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

from scripts.emulator.throttles import find_methods_by_templates_names
from tests.contract.templates import APPLICATION, Json, resources

(API,) = resources(APPLICATION, "AWS::Serverless::Api").values()
SET: list[Json] = API["Properties"]["MethodSettings"]
NAMED = [one for one in SET if one["ResourcePath"] != "/*"]
(OTHERS,) = [one for one in SET if one["ResourcePath"] == "/*"]


@pytest.fixture
def stage() -> dict[str, Any]:
    return {"methodSettings": provisioners._apigw_method_settings(SET)}


def test_each_method_has_its_own(stage: dict[str, Any]) -> None:
    find = find_methods_by_templates_names(apigateway_v1._method_throttle_settings)
    for one in NAMED:
        path = one["ResourcePath"].removeprefix("/").replace("~1", "/")
        found = find(stage, path, one["HttpMethod"])
        assert found is not None
        limits = (found["throttlingRateLimit"], found["throttlingBurstLimit"])
        assert limits == (one["ThrottlingRateLimit"], one["ThrottlingBurstLimit"]), path


@pytest.mark.parametrize(
    ("path", "method"), [("/nothing", "GET"), ("/orders", "PUT"), ("/", "GET")]
)
def test_what_is_not_named_has_what_is_set_for_all_others(
    stage: dict[str, Any], path: str, method: str
) -> None:
    find = find_methods_by_templates_names(apigateway_v1._method_throttle_settings)
    found = find(stage, path, method)
    assert found is not None
    assert found["throttlingRateLimit"] == OTHERS["ThrottlingRateLimit"]
    assert find({}, path, method) is None


def test_it_is_still_needed(stage: dict[str, Any]) -> None:
    """When a later MiniStack finds them itself, `throttles.py` is to go."""
    found = apigateway_v1._method_throttle_settings(stage, "/orders", "POST")
    assert found["throttlingRateLimit"] == OTHERS["ThrottlingRateLimit"]
