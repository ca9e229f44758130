"""What is installed anywhere is locked with hashes, and listed in a bill of materials."""

import json
import re
from pathlib import Path

import pytest

from tests.contract.templates import APPLICATION, ROOT, resources, template

LOCKS = (
    "requirements.lock",
    "layers/dependencies/requirements.txt",
    "worker/deploy/requirements.txt",
    "scripts/sbom/requirements.txt",
    "scripts/iam/requirements.lock",
)
TOOLS = ("scripts/sbom/requirements.txt", "scripts/iam/requirements.lock")


def entries(lock: Path) -> list[str]:
    """Return the packages of a lock, each with what belongs to it."""
    text = "\n".join(line for line in lock.read_text().splitlines() if not line.startswith("#"))
    return re.split(r"\n(?=\S)", text.strip())


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_one_version_and_hashes(lock: str) -> None:
    for entry in entries(ROOT / lock):
        name = entry.split()[0]
        assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^=*<>]+", name), name
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}", entry), name


@pytest.mark.parametrize("lock", LOCKS)
def test_every_lock_is_written_by_make_lock_and_by_nobody_else(lock: str) -> None:
    assert f"write {lock} " in (ROOT / "scripts" / "lock.sh").read_text()


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock not in TOOLS])
def test_every_lock_of_a_release_is_in_its_bill_of_materials(lock: str) -> None:
    assert re.search(
        rf"(?m)^write \w+ {re.escape(lock)}$", (ROOT / "scripts/sbom/sbom.sh").read_text()
    )


def test_nothing_is_installed_or_downloaded_without_its_hash() -> None:
    scripts = [*(ROOT / "scripts").rglob("*.sh"), *(ROOT / "worker").rglob("*.sh")]
    found = 0
    for script in scripts:
        text = script.read_text().replace("\\\n", " ")
        for line in re.findall(r"-m pip (?:install|download).*", text):
            if "ziglang" not in line:
                found += 1
                assert "--require-hashes" in line, script
    assert found >= 4


def test_packages_of_npm_have_hashes_and_no_addresses() -> None:
    """Where they come from is configured on the machine, as for Python's."""
    lock = ROOT / "scripts" / "iam" / "package-lock.json"
    packages = json.loads(lock.read_text())["packages"]
    assert packages.pop("")["dependencies"]
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
    assert (
        "npm install --package-lock-only --omit-lockfile-registry-resolved"
        in (ROOT / "scripts" / "lock.sh").read_text()
    )


def test_functions_take_signed_code_alone_where_a_profile_is_named() -> None:
    stack = resources(APPLICATION)["CodeSigning"]
    assert (stack["Type"], stack["Condition"]) == ("AWS::CloudFormation::Stack", "SignsCode")
    signing = resources(ROOT / "infra" / "code-signing.yaml")["CodeSigning"]
    properties = signing["Properties"]
    assert properties["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}
    assert properties["AllowedPublishers"] == {
        "SigningProfileVersionArns": [{"Ref": "SigningProfileVersionArn"}]
    }
    assert template(APPLICATION)["Parameters"]["SigningProfileVersionArn"]["Default"] == ""
    every = template(APPLICATION)["Globals"]["Function"]["CodeSigningConfigArn"]
    arn = {"Fn::GetAtt": ["CodeSigning", "Outputs.CodeSigningConfigArn"]}
    assert every == {"Fn::If": ["SignsCode", arn, {"Ref": "AWS::NoValue"}]}
    for body in resources(APPLICATION, "AWS::Serverless::Function").values():
        assert "CodeSigningConfigArn" not in body["Properties"]
