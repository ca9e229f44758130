"""The template sets every variable that a function can't start without."""

from inspect import getmembers, isclass

import pytest

from bursa.kernel import settings
from tests.contract.templates import APPLICATION, resources, template

# Read by tools that set the variables themselves.
OF_TOOLS = {
    settings.AuditToolSettings,
    settings.OnboardingSettings,
    settings.TenantToolSettings,
}


def variables() -> set[str]:
    """Return the variables of all functions, and those of any."""
    functions = resources(APPLICATION, "AWS::Serverless::Function").values()
    environments = [template(APPLICATION)["Globals"]["Function"]["Environment"]]
    environments += [
        function["Properties"]["Environment"]
        for function in functions
        if "Environment" in function["Properties"]
    ]
    return {name for environment in environments for name in environment["Variables"]}


def of_functions() -> list[type]:
    return [
        kind
        for name, kind in getmembers(settings, isclass)
        if name.endswith("Settings") and kind not in OF_TOOLS
    ]


@pytest.mark.parametrize("kind", of_functions(), ids=lambda kind: kind.__name__)
def test_a_required_setting_is_a_variable_of_the_template(kind: type) -> None:
    described = settings.described_settings(kind)
    required = {name.upper() for name, (_, is_required) in described.items() if is_required}
    assert required
    assert required <= variables()
