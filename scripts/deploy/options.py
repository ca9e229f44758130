"""What a person asks of a deployment, by variables of `make` and by flags."""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scripts.deploy.errors import DeployError
from scripts.deploy.images import IMAGE
from scripts.deploy.signing import SIGNING_PROFILE

# The keys know a deployment's roles by how their names begin. CloudFormation cuts the stacks' part
# of a role's name to what the role's own leaves of 64 characters; this must stay whole in it.
STACK_LENGTH_MAX = 23
_STACK = re.compile(rf"[A-Za-z][A-Za-z0-9-]{{0,{STACK_LENGTH_MAX - 1}}}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
SUBNETS = 2
_PROFILE = re.compile(
    r"arn:aws[a-z-]*:signer:[a-z0-9-]+:\d{12}:/signing-profiles/[A-Za-z0-9_]{2,64}/[A-Za-z0-9]{10}"
)
_IMAGE = re.compile(r"latest|ami-[0-9a-f]{8,17}")
# Variables of `make`, and the template's parameters that they set.
_SIZES = {
    "WORKER_TYPE": "WorkerInstanceType",
    "WORKER_VOLUME": "WorkerVolumeGiB",
    "WORKER_RECEIVERS": "WorkerReceivers",
}

_EXAMPLES = """\
examples:
  make deploy STACK=bursa REGION=eu-central-1
  make deploy STACK=bursa REGION=eu-central-1 ARGS=--dry-run
  make deploy STACK=bursa REGION=eu-central-1 ALARM_EMAIL=ops@example.com \\
      WORKER_VPC=vpc-1 WORKER_SUBNETS=subnet-a,subnet-b
  make deploy STACK=bursa REGION=eu-central-1 WORKER_IMAGE=latest WORKER_TYPE=c7g.xlarge
  make deploy STACK=bursa REGION=eu-central-1 \\
      SIGNING_PROFILE=arn:aws:signer:eu-central-1:111122223333:/signing-profiles/Bursa/AbCdEf0123
  make deploy STACK=bursa REGION=eu-central-1 ARGS="--set LogRetentionDays=90"
  make deploy ARGS=--dry-run          what a first, a second and a tenth deployment do, as recorded
"""


@dataclass(frozen=True, slots=True)
class Options:
    """A deployment as asked for.

    Attributes
    ----------
    stack, region
        Which stack, and where; empty for the recorded deployments.
    parameters
        The template's parameters that are to change; all others stay as they are.
    dry_run
        Whether to print the changes and leave it at that.
    as_json
        Whether to print the changes as JSON.
    allowed
        Replacements and removals that are meant, by the path that the table shows.

    """

    stack: str
    region: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    as_json: bool = False
    allowed: frozenset[str] = frozenset()

    @property
    def recorded(self) -> bool:
        """Whether to show recorded deployments, which needs no account."""
        return self.dry_run and not self.stack


def read_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Return what the command line and the variables ask for.

    Raises
    ------
    DeployError
        A value is missing or can't be one.

    """
    parser = argparse.ArgumentParser(
        prog="make deploy",
        description="Deploy the exchange to the AWS account of the current credentials.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dry-run", action="store_true", help="print the changes, make none")
    parser.add_argument("--json", action="store_true", help="print the changes as JSON")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of template.yaml that is to change (docs/deploy.md lists them)",
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="PATH",
        help="a replacement or removal that is meant, as the table names it: Shard/Fleet",
    )
    flags = parser.parse_args(arguments)
    stack, region = environment.get("STACK", ""), environment.get("REGION", "")
    if not flags.dry_run or stack or region:
        _check_place(stack, region, environment)
    parameters = _parameters(flags.set, environment)
    return Options(
        stack,
        region,
        parameters,
        dry_run=flags.dry_run,
        as_json=flags.json,
        allowed=frozenset(flags.allow),
    )


def _check_place(stack: str, region: str, environment: Mapping[str, str]) -> None:
    if environment.get("AWS_ENDPOINT_URL"):
        raise DeployError("AWS_ENDPOINT_URL is set, so this would not be AWS: unset it.")
    if not _STACK.fullmatch(stack):
        raise DeployError(
            f"STACK={stack!r} is no name of a stack: name one, as in `make deploy STACK=bursa "
            "REGION=eu-central-1` (letters, digits and hyphens, a letter first, "
            f"{STACK_LENGTH_MAX} characters at most)."
        )
    if not _REGION.fullmatch(region):
        raise DeployError(
            f"REGION={region!r} is no region: name one, as in `make deploy STACK={stack} "
            "REGION=eu-central-1`."
        )


def _parameters(assignments: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    parameters = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise DeployError(f"--set {assignment} has no value: write --set NAME=VALUE.")
        parameters[name] = value
    email = environment.get("ALARM_EMAIL", "")
    if email:
        if not _EMAIL.fullmatch(email):
            raise DeployError(f"ALARM_EMAIL={email!r} is no e-mail address.")
        parameters["AlarmEmail"] = email
    return parameters | _signing(environment) | _sizes(environment) | _fleet(environment)


def _signing(environment: Mapping[str, str]) -> dict[str, str]:
    """Return whose signature the functions' code needs, if that is to change."""
    profile = environment.get("SIGNING_PROFILE", "")
    if profile == "none":
        return {SIGNING_PROFILE: ""}
    if profile and not _PROFILE.fullmatch(profile):
        raise DeployError(
            f"SIGNING_PROFILE={profile!r} is no version of a signing profile: name its ARN, the "
            "profileVersionArn of `aws signer get-signing-profile`, or none to sign no more."
        )
    return {SIGNING_PROFILE: profile} if profile else {}


def _sizes(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the fleet's instances are, as far as it is to change."""
    image = environment.get("WORKER_IMAGE", "")
    if image and not _IMAGE.fullmatch(image):
        raise DeployError(
            f"WORKER_IMAGE={image!r} is no image: name one for arm64, as ami-0123456789abcdef0, or "
            "latest for Amazon Linux's newest."
        )
    sizes = {name: environment.get(variable, "") for variable, name in _SIZES.items()}
    return {name: value for name, value in (sizes | {IMAGE: image}).items() if value}


def _fleet(environment: Mapping[str, str]) -> dict[str, str]:
    vpc, subnets = environment.get("WORKER_VPC", ""), environment.get("WORKER_SUBNETS", "")
    if not vpc and not subnets:
        return {}
    names = [name.strip() for name in subnets.split(",") if name.strip()]
    if not vpc or len(names) != SUBNETS or names[0] == names[1]:
        raise DeployError(
            "The worker's fleet needs WORKER_VPC=vpc-… and WORKER_SUBNETS=subnet-…,subnet-… with "
            "exactly two subnets, in two zones."
        )
    return {"WorkerFleet": "true", "WorkerVpcId": vpc, "WorkerSubnetIds": ",".join(names)}
