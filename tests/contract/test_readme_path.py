"""The README's way to a first trade on AWS: each command, variable, parameter and output exists."""

import re

import pytest

from scripts.deploy.options import read_options
from scripts.onboard.tenant_file import read_file
from tests.contract.templates import APPLICATION, ROOT, template

README = (ROOT / "README.md").read_text()
SECTION = README.partition("\n## Deploy it\n")[2].partition("\n## ")[0]
TEXTS = {
    "README.md": SECTION,
    "docs/deploy.md": (ROOT / "docs" / "deploy.md").read_text(),
    "docs/onboarding.md": (ROOT / "docs" / "onboarding.md").read_text(),
    "docs/operations.md": (ROOT / "docs" / "operations.md").read_text(),
}
MAKE = "\n".join(
    path.read_text() for path in [ROOT / "Makefile", *sorted((ROOT / "make").glob("*.mk"))]
)
# Read by scripts/deploy and scripts/onboard from the environment, or by make itself.
VARIABLES = {
    *("STACK", "REGION", "ARGS", "FILE", "MFA_SERIAL", "MFA_CODE", "ALARM_EMAIL"),
    *("WORKER_VPC", "WORKER_SUBNETS", "WORKER_IMAGE", "WORKER_TYPE", "SIGNING_PROFILE"),
}


def commands(text: str) -> list[str]:
    """Return the calls of make in a text's code, each on one line."""
    blocks = re.findall(r"```sh\n(.*?)```", re.sub(r"\\\n\s*", "", text), re.DOTALL)
    spans = re.findall(r"(?<!`)`(make [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line.strip().partition(" #")[0] for block in blocks for line in block.splitlines()]
    return [line for line in [*lines, *spans] if re.match("make [a-z]", line)]


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_of_make_exists_and_takes_what_it_is_given(name: str) -> None:
    found = commands(TEXTS[name])
    assert found
    for command in found:
        target = command.split()[1]
        assert re.search(rf"^{target}:", MAKE, re.MULTILINE), command
        outside = re.sub(r'"[^"]*"', "", command)
        assert set(re.findall(r"\b([A-Z_]+)=", outside)) <= VARIABLES, command


@pytest.mark.parametrize("name", TEXTS)
def test_every_parameter_that_is_set_is_the_templates(name: str) -> None:
    named = set(re.findall(r"--set (\w+)=", TEXTS[name]))
    assert named <= set(template(APPLICATION)["Parameters"])


@pytest.mark.parametrize("name", TEXTS)
def test_every_output_that_is_read_is_the_applications(name: str) -> None:
    named = set(re.findall(r"\$\(out (\w+)\)", TEXTS[name]))
    assert named <= set(template(APPLICATION)["Outputs"])


def test_the_first_command_is_one_that_the_deployment_understands() -> None:
    (command,) = [one for one in commands(SECTION) if "WORKER_VPC" in one]
    arguments = re.findall(r'ARGS="([^"]*)"', command)[0].split()
    variables = dict(re.findall(r"\b([A-Z_]+)=([^ \"]+)", command.partition("ARGS=")[0]))
    options = read_options(arguments, variables | {"STACK": "bursa", "REGION": "eu-central-1"})
    assert options.parameters["PasswordSignIn"] == "true"
    assert options.parameters["WorkerFleet"] == "true"


def test_its_tenant_is_found_where_tenants_share_a_host_name() -> None:
    """On the gateway's own name no tenant is found otherwise, and nothing can be read."""
    (file,) = re.findall(r"cp (\S+) brand\.yaml", SECTION)
    assert "*" in read_file(ROOT / file).hosts
    assert "--set TenantsShareHosts=true" in SECTION


def test_what_the_trade_section_uses_is_exported() -> None:
    trade = README.partition("\n## Trade\n")[2].partition("\n## ")[0]
    used = set(re.findall(r"\$(REST|WS|TOKEN)\b", trade))
    (exported,) = re.findall(r"export (REST=.*)", SECTION)
    assert used == set(re.findall(r"\b([A-Z]+)=", exported))
