"""Builds the application for Lambda, and puts what a stack is made of into the artifact bucket."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from scripts.deploy.errors import DeployError
from scripts.deploy.signing import sam_arguments
from scripts.deploy.worker_archive import check_worker_archive
from scripts.slim_layer import slim
from scripts.templates import nested_templates

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "template.yaml"
ARTIFACTS = ROOT / "scripts" / "deploy" / "artifacts.yaml"
WORKER_LOCK = ROOT / "worker" / "deploy" / "requirements.txt"
WORKER_ARCHIVE = ROOT / ".local" / "bursa-worker.tar.gz"
BILLS = ROOT / "build" / "sbom"
# Where the worker's archive and the packaged template lie in the artifact bucket.
WORKER_PREFIX = "worker"
_CODED = {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion"}
TEMPLATE_PREFIX = "templates"


class _AnyTag(yaml.SafeLoader):
    """YAML of whose intrinsic functions only the arguments are of interest here."""


_AnyTag.add_multi_constructor("!", lambda loader, _suffix, node: _arguments(loader, node))


def _arguments(loader: _AnyTag, node: yaml.Node) -> Any:  # noqa: ANN401 - whatever is written there
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]  # a scalar is what is left


def declared_parameters(template: Path = TEMPLATE) -> dict[str, str | None]:
    """Return a template's parameters and their defaults; None for one without a default."""
    return {
        name: str(body["Default"]) if "Default" in body else None
        for name, body in _parsed(template)["Parameters"].items()
    }


@dataclass(frozen=True, slots=True)
class Reservations:
    """What the templates reserve of the account, beside what their parameters say.

    Attributes
    ----------
    functions
        How many have the reservation that a parameter says, by the parameter's name.
    tables
        DynamoDB tables of all stacks.
    requests_per_s
        What the REST API's methods may take together.

    """

    functions: Mapping[str, int]
    tables: int
    requests_per_s: int


def reservations() -> Reservations:
    """Return what the templates reserve."""
    nested = [_resources(path) for path in nested_templates()]
    application = _resources(TEMPLATE)
    every = _parsed(TEMPLATE)["Globals"]["Function"]["ReservedConcurrentExecutions"]
    limits = {
        (one["HttpMethod"], one["ResourcePath"]): one["ThrottlingRateLimit"]
        for one in application["RestApi"]["Properties"]["MethodSettings"]
    }
    return Reservations(
        functions=Counter(
            body["Properties"].get("ReservedConcurrentExecutions", every)[1]
            for body in application.values()
            if body["Type"] == "AWS::Serverless::Function"
        ),
        tables=sum(
            body["Type"] == "AWS::DynamoDB::Table"
            for resources in (application, *nested)
            for body in resources.values()
        ),
        requests_per_s=sum(limits.get(route, limits["*", "/*"]) for route in _routes(application)),
    )


def _routes(application: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return method and path of each route, as method settings write them."""
    return {
        (event["Properties"]["Method"], "/" + event["Properties"]["Path"].replace("/", "~1"))
        for body in application.values()
        for event in body["Properties"].get("Events", {}).values()
        if event["Type"] == "Api"
    }


def _resources(template: Path) -> dict[str, Any]:
    found: dict[str, Any] = _parsed(template)["Resources"]
    return found


def _parsed(template: Path) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.load(template.read_text(), _AnyTag)  # noqa: S506 - a SafeLoader
    return parsed


def coded_resources(template: Path = TEMPLATE) -> list[str]:
    """Return the logical ids of what brings code of its own: functions and layers."""
    return [name for name, body in _resources(template).items() if body["Type"] in _CODED]


def runtime(allowed: Sequence[str] | None = None) -> str:
    """Return the Lambda runtime of this interpreter, which resolves and compiles the packages.

    Raises
    ------
    DeployError
        Lambda has no such runtime in the template.

    """
    if allowed is None:
        allowed = re.findall(r"python3\.\d+", TEMPLATE.read_text().partition("Architecture")[0])
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if name not in allowed:
        raise DeployError(
            f"The functions would be built with {name}, which template.yaml does not know: remove "
            f".venv and run `PYTHON=python3.13 make setup`."
        )
    return name


@dataclass(frozen=True, slots=True)
class Builder:
    """Runs the build tools, all for one region."""

    region: str
    log: Path

    def application(self, parameters: Mapping[str, str]) -> Path:
        """Build functions and layers, with byte code; return the built template's path."""
        build = ROOT / ".aws-sam" / "build"
        overrides = [f"{name}={value}" for name, value in parameters.items()]
        self._run("sam", "build", "--build-dir", str(build), "--parameter-overrides", *overrides)
        slim(build)
        # A function's folder is read-only, so what is not compiled here is compiled at each start.
        self._run(
            "python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(build)
        )
        return build / "template.yaml"

    def package(self, built: Path, bucket: str, profile: str) -> Path:
        """Upload what the template refers to, signed by a profile if one is named.

        Return the template that refers to the uploads.
        """
        packaged = built.with_name("packaged.yaml")
        self._run(
            "sam", "package", "--template-file", str(built), "--output-template-file",
            str(packaged), "--s3-bucket", bucket, "--s3-prefix", "sam", "--region", self.region,
            "--no-progressbar", *sam_arguments(profile, coded_resources()),
        )  # fmt: skip
        return packaged

    def worker_archive(self) -> Path:
        """Build the worker's archive, look into it, and return its path."""
        self._run(str(ROOT / "worker/deploy/build.sh"), str(WORKER_ARCHIVE))
        check_worker_archive(WORKER_ARCHIVE, WORKER_LOCK)
        return WORKER_ARCHIVE

    def bills(self) -> Path:
        """Write what is in Lambda and in the worker's archive, by the locks; return the folder."""
        self._run(str(ROOT / "scripts/sbom/sbom.sh"), str(BILLS))
        return BILLS

    def _run(self, program: str, *arguments: str) -> None:
        beside = Path(sys.executable).parent / program
        command = [str(beside) if beside.exists() else program, *arguments]
        environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": self.region}
        environment["PY"] = sys.executable
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as stream:
            status = subprocess.run(  # noqa: S603 - our own tools
                command, cwd=ROOT, env=environment, stdout=stream, stderr=stream, check=False
            ).returncode
        if status != 0:
            raise DeployError(f"{program} {arguments[0]} failed; {self.log} says why.")


def upload(s3: "S3Client", bucket: str, path: Path, prefix: str) -> str:
    """Put a file under the name of its whole SHA-256, once, and return the key.

    New content is a new key, so that what runs can be compared with what was published.
    """
    content = path.read_bytes()
    suffix = "".join(path.suffixes[-2:]) if path.name.endswith(".tar.gz") else path.suffix
    key = f"{prefix}/{hashlib.sha256(content).hexdigest()}{suffix}"
    s3.put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256")
    return key


def upload_bill(s3: "S3Client", bucket: str, bill: Path, key: str) -> None:
    """Put a bill of materials beside what it is of, under the same digest."""
    beside = key.partition(".")[0] + "".join(bill.suffixes)
    s3.put_object(Bucket=bucket, Key=beside, Body=bill.read_bytes(), ChecksumAlgorithm="SHA256")
