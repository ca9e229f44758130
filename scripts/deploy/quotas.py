"""Whether the account may have what the templates reserve, asked before anything is built.

CloudFormation notices a quota that is too small only when it is reached, after minutes and with
half of a stack made. What other stacks of the account use is not known here, so that what passes
may still not fit; what does not pass never fits.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from scripts.deploy.account import RunningStack
from scripts.deploy.builds import Reservations
from scripts.deploy.errors import DeployError

# What Lambda leaves to functions without a reservation; AWS refuses to go below it.
UNRESERVED_LEAST = 100
# The least that any region gives by default; data keys are reused, so that this is plenty.
_KMS_REQUESTS_PER_S = 5_500
_WORKERS = 2
_VCPUS = {"medium": 1, "large": 2, "xlarge": 4}
# By the first letter of the instances' type.
_VCPU_QUOTAS = {"x": "L-7295265B"}
_VCPU_QUOTA = "L-1216C47A"


@dataclass(frozen=True, slots=True)
class Need:
    """What a deployment needs of a quota.

    Attributes
    ----------
    service, code
        As Service Quotas names it.
    what, amount
        For people; the amount in the quota's own unit.
    is_must
        Whether a deployment with less would fail; otherwise it is only said.
    otherwise
        What can be done instead of asking for more; empty for nothing.

    """

    service: str
    code: str
    what: str
    amount: int
    is_must: bool = True
    otherwise: str = ""


class Quotas(Protocol):
    """The account's quotas in its region."""

    def value(self, service: str, code: str) -> float | None:
        """Return a quota; None where it may not be read."""


class ServiceQuotas:
    """Reads them from Service Quotas."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - botocore makes its clients at run time
        self._client = client

    def value(self, service: str, code: str) -> float | None:
        """Return a quota, the default where none was set; None where it may not be read."""
        try:
            try:
                found = self._client.get_service_quota(ServiceCode=service, QuotaCode=code)
            except self._client.exceptions.NoSuchResourceException:
                found = self._client.get_aws_default_service_quota(
                    ServiceCode=service, QuotaCode=code
                )
        except ClientError as error:
            if error.response["Error"]["Code"] in {
                "AccessDeniedException",
                "NoSuchResourceException",
            }:
                return None
            raise
        return float(found["Quota"]["Value"])


def needs(
    reservations: Reservations,
    declared: Mapping[str, str | None],
    running: RunningStack | None,
    wanted: Mapping[str, str],
) -> list[Need]:
    """Return what a deployment needs, with the values that its parameters will have."""
    before = running.parameters if running else {}
    values = {name: wanted.get(name, before.get(name, declared[name] or "")) for name in declared}
    found = [
        Need("dynamodb", "L-F98FE922", "DynamoDB tables", reservations.tables),
        Need(
            "kms", "L-6E3AF000", "KMS requests a second", _KMS_REQUESTS_PER_S, is_must=False
        ),
        Need(
            "apigateway",
            "L-8A5B8E43",
            "REST requests a second, which all methods together may take",
            reservations.requests_per_s,
            is_must=False,
        ),
    ]  # fmt: skip
    if int(values["FunctionConcurrency"]):
        reserved = sum(many * int(values[name]) for name, many in reservations.functions.items())
        found.append(
            Need(
                "lambda",
                "L-B99A9384",
                f"Lambda executions at once ({reserved:,} reserved, {UNRESERVED_LEAST} left to "
                "others)",
                reserved + UNRESERVED_LEAST,
                otherwise='until then deploy with ARGS="--set FunctionConcurrency=0", which '
                "reserves none",
            )
        )
    vcpus = _vcpus(values["WorkerInstanceType"]) if values["WorkerFleet"] == "true" else 0
    if vcpus:
        kind = values["WorkerInstanceType"]
        code = _VCPU_QUOTAS.get(kind[0], _VCPU_QUOTA)
        found.append(Need("ec2", code, f"vCPUs, for {_WORKERS} {kind}", _WORKERS * vcpus))
    return found


def _vcpus(kind: str) -> int:
    """Return how many an instance of this type has; 0 for one that its name does not tell."""
    size = re.fullmatch(r"[^.]+[.](\d*)(medium|large|xlarge)", kind)
    return 0 if size is None else int(size[1] or 1) * _VCPUS[size[2]]


def check(found: list[Need], quotas: Quotas, region: str, say: Callable[[str], None]) -> None:
    """Compare needs with the account's quotas.

    Raises
    ------
    DeployError
        Names each quota that is too small, and the command that asks for more.

    """
    refused = []
    for need in found:
        limit = quotas.value(need.service, need.code)
        if limit is None:
            say(f"Could not read the quota of {need.what} (servicequotas:GetServiceQuota).")
        elif limit < need.amount:
            sentence = _sentence(need, limit, region)
            if need.is_must:
                refused.append(sentence)
            else:
                say(sentence)
    if refused:
        raise DeployError(f"Nothing was changed. {' '.join(refused)}")


def _sentence(need: Need, limit: float, region: str) -> str:
    instead = f"; {need.otherwise}" if need.otherwise else ""
    return (
        f"{need.what}: {need.amount:,} needed, the account has {limit:,.0f}: ask for more (aws "
        f"service-quotas request-service-quota-increase --region {region} --service-code "
        f"{need.service} --quota-code {need.code} --desired-value {need.amount}){instead}."
    )
