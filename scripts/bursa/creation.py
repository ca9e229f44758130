"""`bursa tenants create`, which `make onboard` is short for: opens the tenants of files.

Prints what would change, then does it. It may be repeated, and is taken up again where it broke
off. Ends with 0 when it is done, 1 when it was refused or failed, 2 when it was called wrongly or a
file has faults.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bursa.aws.clients import cognito_client, dynamodb_client
from bursa.bootstrap.blueprints import blueprints
from bursa.bootstrap.onboarding import open_onboarding
from bursa.compliance.rules_dynamodb import RulesTable
from bursa.dialects.operator.tenant_file import TenantFile
from bursa.fees.records_dynamodb import FeeRecords
from bursa.identity.user_pool_cognito import CognitoUserPool
from bursa.kernel.errors import BursaError
from bursa.kernel.settings import OnboardingSettings, SettingsError, read_settings
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.listings_dynamodb import SentListings
from bursa.tenants.onboarding import Onboarding
from bursa.tenants.opening import Opened, Opening, Passwords
from bursa.tenants.place import Deployment, Place, Pool, find_place
from bursa.tenants.plan import Plan, Planner
from bursa.tenants.stacks_cloudformation import CloudFormationStacks, StackOwner
from scripts.bursa.options import Json, Outputs, Region, Stack
from scripts.bursa.stack import DEFAULT_REGION, cloudformation_client
from scripts.client import OUTPUTS, ToolError
from scripts.local.progress import Progress
from scripts.onboard import deployments
from scripts.onboard.passwords import GeneratedPasswords, Invitations
from scripts.onboard.tenant_file import TenantFileError, read_file

_COLOURS = {"add": "green", "change": "yellow", "keep": "dim"}
_PASSWORDS = OUTPUTS.with_name("passwords.json")
_REFUSED, _CALLED_WRONGLY = 1, 2


@dataclass(frozen=True, slots=True)
class Options:
    """How one call was made: whether it only looks, how it tells, where play passwords are."""

    is_dry: bool
    as_json: bool
    invited_again: str
    passwords: Path | None


def create(
    files: Annotated[list[Path], typer.Argument(help="Tenants, one a file (docs/onboarding.md).")],
    *,
    dry_run: Annotated[bool, typer.Option(help="Print the changes, make none.")] = False,
    invite_again: Annotated[
        str, typer.Option(metavar="EMAIL", help="Whose first mail was lost or is old.")
    ] = "",
    passwords: Annotated[
        Path, typer.Option(help="Where passwords for play are, on this machine.")
    ] = _PASSWORDS,
    from_environment: Annotated[
        bool, typer.Option(help="Read the deployment from variables, as the local runner does.")
    ] = False,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Open the tenants of files, or bring them up to date: all that a brand needs.

    bursa tenants create docs/examples/tenants/demo.yaml --dry-run
    """
    console = Console(stderr=True)
    # Play passwords are for the machine that the exchange runs on.
    options = Options(dry_run, as_json, invite_again, None if stack else passwords)
    try:
        # The files first: their faults need no deployment.
        described = [read_file(file) for file in files]
        found = _variables(stack, region, outputs, from_environment=from_environment)
        desk = Desk(read_settings(OnboardingSettings, found), options, Progress(console))
        results = [desk.open(one) for one in described]
    except TenantFileError as error:
        _report_faults(error, console, as_json=as_json)
        raise typer.Exit(_CALLED_WRONGLY) from None
    except ToolError as error:
        _say(console, f"{error}")
        raise typer.Exit(_CALLED_WRONGLY) from None
    except BursaError as error:
        _say(console, f"{error} ({error.code})")
        raise typer.Exit(_REFUSED) from None
    except SettingsError as error:
        _say(console, f"{error}")
        raise typer.Exit(_REFUSED) from None
    except (BotoCoreError, ClientError) as error:
        _say(console, f"AWS says: {error}")
        raise typer.Exit(_REFUSED) from None
    if as_json:
        print(json.dumps(results, indent=2))


def _variables(
    stack: str | None, region: str, outputs: Path, *, from_environment: bool
) -> Mapping[str, str]:
    if from_environment:
        return os.environ
    if stack:
        return deployments.on_aws(stack, region, os.environ)
    return deployments.on_this_machine(outputs)


class Desk:
    """What opens tenants on one deployment."""

    def __init__(self, settings: OnboardingSettings, options: Options, progress: Progress) -> None:
        self._settings = settings
        self._options = options
        self._progress = progress
        self._deployment = Deployment(
            Pool(settings.issuer, frozenset({settings.user_pool_client_id})),
            tuple(int(number) for number in settings.shards.split(",")),
        )
        client, dynamodb = cloudformation_client(), dynamodb_client()
        owner = StackOwner(settings.stack_name, settings.tenant_stack_role)
        self._stacks = CloudFormationStacks(client, owner, blueprints(client, owner.deployment))
        self._directory = DirectoryTable(dynamodb, settings.directory_table)
        self._listings = SentListings(dynamodb, settings.directory_table)
        self._brandings = BrandingTable(dynamodb, settings.directory_table)
        self._checks = RulesTable(dynamodb, settings.directory_table)
        self._fees = FeeRecords(dynamodb, settings.directory_table)

    def open(self, tenant: TenantFile) -> dict[str, Any]:
        """Show what would change, make it so unless it is a dry run, and return what was done."""
        place = find_place(tenant, self._deployment, self._directory, self._stacks)
        users = None if place.pool is None else _users(place.pool)
        planner = Planner(
            self._directory,
            users,
            self._listings,
            self._brandings,
            self._checks,
            self._fees,
            self._stacks,
        )
        plan = planner.plan(tenant, place)
        if not self._options.as_json:
            _show(plan)
        changes = [asdict(step) for step in plan.changes]
        if self._options.is_dry:
            if not self._options.as_json:
                print("That is what would be done; nothing was changed.")
            return {"changes": changes}
        opened = self._carry_out(tenant, place, plan)
        if not self._options.as_json:
            self._tell(opened)
        return {
            "changes": changes,
            "hosts": tenant.hosts,
            **opened.described(tuple(tenant.markets)),
        }

    def _carry_out(self, tenant: TenantFile, place: Place, plan: Plan) -> Opened:
        opening = Opening(
            self._directory,
            self._stacks,
            self._onboarding,
            _users,
            self._listings,
            self._brandings,
            self._checks,
            self._fees,
            self._passwords(),
            self._progress.step,
        )
        opened = opening.carry_out(tenant, place, plan)
        if not opened.has_owner:
            Console(stderr=True).print(
                "The pool has no group of owners: nobody owns the back office."
            )
        if self._options.invited_again in [user.email for user in tenant.everybody()]:
            pool = Pool(opened.profile.issuer, opened.profile.client_ids)
            _users(pool).invite_again(self._options.invited_again)
        return opened

    def _onboarding(self, pool: Pool) -> Onboarding:
        return open_onboarding(self._settings._replace(user_pool_id=pool.user_pool_id))

    def _passwords(self) -> Passwords:
        path = self._options.passwords
        if path is None:
            return Invitations()
        known = json.loads(path.read_text()) if path.exists() else {}
        return GeneratedPasswords(known, lambda made: deployments.keep_secret(path, made))

    def _tell(self, opened: Opened) -> None:
        profile = opened.profile
        print(f"Tenant {profile.name} is {profile.tenant}, on shard {profile.shard}.")
        for email, account in opened.accounts.items():
            print(f"  {email}  account {account}")
        if self._options.passwords is None:
            print("Who is new gets a mail with a password that is good once, for a day.")
        else:
            print(f"Passwords are in {self._options.passwords}, which only you can read.")


def _users(pool: Pool) -> CognitoUserPool:
    return CognitoUserPool(cognito_client(), pool.user_pool_id)


def _show(plan: Plan) -> None:
    console = Console()
    table = Table("", "what", "before", "after", header_style="bold")
    for step in plan.steps:
        colour = _COLOURS[step.action]
        before, after = escape(step.before), escape(step.after)
        table.add_row(f"[{colour}]{step.action}[/]", escape(step.thing), before, after)
    console.print(table)
    counts = {action: sum(one.action == action for one in plan.steps) for action in _COLOURS}
    console.print(
        f"{counts['add']} to add, {counts['change']} to change, {counts['keep']} as they are."
    )


def _report_faults(error: TenantFileError, console: Console, *, as_json: bool) -> None:
    if as_json:
        rows = [{"file": error.name, **asdict(fault)} for fault in error.faults]
        print(json.dumps({"faults": rows}, indent=2))
        return
    for fault in error.faults:
        text = f"{error.name}:{fault.line}: {fault.field}: {fault.message}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def _say(console: Console, sentence: str) -> None:
    console.print(f"bursa: {sentence}", markup=False, highlight=False, soft_wrap=True)
