"""The steps of a deployment, in order; everything that could stop it is looked at first."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from scripts.deploy import builds
from scripts.deploy.account import Account, Change, ChangeSet, RunningStack
from scripts.deploy.errors import DeployError
from scripts.deploy.guard import dangers
from scripts.deploy.images import IMAGE, Images, pinned
from scripts.deploy.options import SUBNETS, Options
from scripts.deploy.parameters import (
    LATER,
    PROTECTED,
    PROTECTION,
    UNPROTECTED,
    decide,
    protection,
)
from scripts.deploy.quotas import Quotas, check, needs
from scripts.deploy.report import refusal
from scripts.deploy.signing import profile_of

ARTIFACT_BUCKET = "ArtifactBucket"  # the output of its stack
WORKER_BUCKET = "WorkerArtifactBucket"
ARTIFACT_KEY = "WorkerArtifactKey"
FLEET = "WorkerFleet"
RUNTIME = "PythonRuntime"
ARCHITECTURE = "Architecture"


class Packages(Protocol):
    """Builds, and puts what was built where CloudFormation finds it."""

    def build(self, parameters: Mapping[str, str]) -> None:
        """Build functions and layers."""

    def publish(self, bucket: str, profile: str) -> str:
        """Upload them, signed by a profile if one is named, and the template; return its URL."""

    def publish_worker(self, bucket: str) -> str:
        """Build and upload the worker's archive; return its key."""


class Network(Protocol):
    """What a deployment must know of the network it goes into."""

    def zones(self, subnets: list[str]) -> dict[str, str]:
        """Return the zone of each subnet."""


class Show(Protocol):
    """Prints the changes of a change set."""

    def __call__(self, title: str, changes: tuple[Change, ...], found: list[Change]) -> None:
        """Print them, with those that stop the deployment marked."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Deploys one stack, and the bucket of artifacts that it is made from."""

    account: Account
    packages: Packages
    network: Network
    images: Images
    quotas: Quotas
    show: Show
    step: Callable[[str], contextlib.AbstractContextManager[None]]
    say: Callable[[str], None]
    name: Callable[[], str]

    def run(self, options: Options) -> bool:
        """Deploy; return whether anything was (or, in a dry run, would be) changed.

        Raises
        ------
        DeployError
            Something is missing or refused; what was not carried out by then never will be.

        """
        running = self.account.stack(options.stack)
        wanted = self._wanted(options, running)
        self._say_protection(wanted[PROTECTION], running)
        self._check_subnets(wanted)
        if _has_fleet(wanted, running) or IMAGE in wanted:
            wanted |= pinned(wanted, running, self.images, self.say)
        # Said now, before minutes of building.
        declared = builds.declared_parameters()
        decide(declared, running, wanted)
        needed = needs(builds.reservations(), declared, running, wanted)
        check(needed, self.quotas, options.region, self.say)
        with self.step("build functions and layers"):
            self.packages.build({RUNTIME: wanted[RUNTIME], ARCHITECTURE: wanted[ARCHITECTURE]})
        bucket = self._artifacts(options)
        if _has_fleet(wanted, running):
            with self.step("build and upload the worker's archive"):
                wanted |= {
                    WORKER_BUCKET: bucket,
                    ARTIFACT_KEY: self.packages.publish_worker(bucket),
                }
        with self.step("upload functions, layers and templates"):
            url = self.packages.publish(bucket, profile_of(wanted, running))
        parameters = decide(builds.declared_parameters(), running, wanted)
        with self.step("make the change set"):
            proposed = self.account.propose(
                options.stack,
                self.name(),
                {"TemplateURL": url},
                parameters,
                creates=running is None,
            )
        if proposed is None:
            self.say(f"Stack {options.stack} is as the templates say: nothing to change.")
            return False
        self._carry_out(proposed, options)
        if running is None and wanted[PROTECTION] == LATER and not options.dry_run:
            self._protect(options)
        return True

    def _wanted(self, options: Options, running: RunningStack | None) -> dict[str, str]:
        wanted = {**options.parameters, RUNTIME: builds.runtime()}
        fixed = running.parameters.get(ARCHITECTURE) if running else None
        declared = builds.declared_parameters()[ARCHITECTURE] or ""
        wanted.setdefault(ARCHITECTURE, fixed or declared)
        return {**wanted, PROTECTION: protection(running, wanted)}

    def _say_protection(self, given: str, running: RunningStack | None) -> None:
        if given == UNPROTECTED:
            self.say(
                f"{PROTECTION} is false: journal, directory and user pool can be deleted by "
                f'mistake; ARGS="--set {PROTECTION}=true" protects them.'
            )
        elif running is not None and running.parameters.get(PROTECTION) == LATER:
            self.say("What holds data is not protected yet: its first deployment was cut off.")

    def _check_subnets(self, wanted: Mapping[str, str]) -> None:
        if "WorkerSubnetIds" not in wanted:
            return
        zones = self.network.zones(wanted["WorkerSubnetIds"].split(","))
        if len(zones) != SUBNETS:
            raise DeployError(
                f"WorkerSubnetIds names {len(zones)} subnets: name two, of different zones, in "
                "WORKER_SUBNETS."
            )
        if len(set(zones.values())) != len(zones):
            (zone, *_) = zones.values()
            raise DeployError(
                f"Both subnets are in {zone}; a standby must live in another zone: name two "
                "subnets of different zones in WORKER_SUBNETS."
            )

    def _artifacts(self, options: Options) -> str:
        """Make or update the bucket of artifacts, and return its name.

        A dry run makes it too when there is none: the change set needs the templates to lie
        somewhere. It holds nothing but what was built.
        """
        stack = f"{options.stack}-artifacts"
        running = self.account.stack(stack)
        with self.step("look at the bucket of artifacts"):
            proposed = self.account.propose(
                stack,
                self.name(),
                {"TemplateBody": builds.ARTIFACTS.read_text()},
                [],
                creates=running is None,
            )
        if proposed is not None:
            self._refuse_dangers(f"bucket of artifacts, stack {stack}", proposed, options)
            with self.step("make the bucket of artifacts"):
                self.account.carry_out(proposed)
            running = self.account.stack(stack)
        if running is None:
            raise DeployError(f"Stack {stack} is gone; deploy again.")
        return running.outputs[ARTIFACT_BUCKET]

    def _carry_out(self, proposed: ChangeSet, options: Options) -> None:
        self._refuse_dangers(f"stack {options.stack}", proposed, options)
        if options.dry_run:
            self.account.discard(proposed)
            self.say(f"That is what a deployment would do; stack {options.stack} is as it was.")
            return
        with self.step("carry it out"):
            self.account.carry_out(proposed, self.say)

    def _refuse_dangers(self, title: str, proposed: ChangeSet, options: Options) -> None:
        found = [
            change for change in dangers(proposed.changes) if change.path not in options.allowed
        ]
        self.show(title, proposed.changes, found)
        if found:
            self.account.discard(proposed)
            raise DeployError(refusal(found))

    def _protect(self, options: Options) -> None:
        """Switch protection on, now that everything is there."""
        running = self.account.stack(options.stack)
        parameters = decide(builds.declared_parameters(), running, {PROTECTION: PROTECTED})
        with self.step("protect what holds data from being deleted"):
            proposed = self.account.propose(
                options.stack,
                self.name(),
                {"UsePreviousTemplate": True},
                parameters,
                creates=False,
            )
            if proposed is not None:
                self.account.carry_out(proposed)


def _has_fleet(wanted: Mapping[str, str], running: RunningStack | None) -> bool:
    before = running.parameters.get(FLEET, "false") if running else "false"
    return wanted.get(FLEET, before) == "true"


@dataclass(frozen=True, slots=True)
class BuiltPackages:
    """The real builds and uploads."""

    builder: builds.Builder
    s3: Any

    def build(self, parameters: Mapping[str, str]) -> None:
        """Build functions and layers, and say what is in them."""
        self.builder.application(parameters)
        self.builder.bills()

    def publish(self, bucket: str, profile: str) -> str:
        """Upload them, signed by a profile if one is named, and the template; return its URL."""
        built = builds.ROOT / ".aws-sam" / "build" / "template.yaml"
        packaged = self.builder.package(built, bucket, profile)
        key = builds.upload(self.s3, bucket, packaged, builds.TEMPLATE_PREFIX)
        builds.upload_bill(self.s3, bucket, builds.BILLS / "lambda.cdx.json", key)
        return f"{self.s3.meta.endpoint_url}/{bucket}/{key}"

    def publish_worker(self, bucket: str) -> str:
        """Build and upload the worker's archive; return its key."""
        archive = self.builder.worker_archive()
        key = builds.upload(self.s3, bucket, archive, builds.WORKER_PREFIX)
        builds.upload_bill(self.s3, bucket, builds.BILLS / "worker.cdx.json", key)
        return key
