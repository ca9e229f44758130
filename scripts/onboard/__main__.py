"""Open the tenant that a file describes, or bring it up to date.

    make onboard FILE=docs/examples/tenants/demo.yaml                the exchange on this machine
    make onboard FILE=tenant.yaml STACK=bursa REGION=eu-central-1 MFA_SERIAL=… MFA_CODE=123456

Prints what would change, then does it; ARGS=--dry-run leaves it at that. It may be repeated, and is
taken up again where it broke off. Ends with 0 when it is done, 1 when it was refused or failed, 2
when it was called wrongly or the file has faults.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bursa.aws.clients import cognito_client, dynamodb_client
from bursa.bootstrap.onboarding import open_onboarding
from bursa.identity.user_pool_cognito import CognitoUserPool
from bursa.kernel.errors import BursaError
from bursa.kernel.settings import OnboardingSettings, SettingsError, read_settings
from bursa.tenants.branding_dynamodb import BrandingTable
from bursa.tenants.dynamodb import DirectoryTable
from bursa.tenants.listings_dynamodb import SentListings
from scripts.client import OUTPUTS, ToolError
from scripts.onboard import deployments
from scripts.onboard.opening import GeneratedPasswords, Invitations, Opened, Opening, Passwords
from scripts.onboard.plan import KEEP, Place, Plan, Planner
from scripts.onboard.tenant_file import Fault, TenantFile, TenantFileError, read_file

_COLOURS = {"add": "green", "change": "yellow", "keep": "dim"}


@dataclass(frozen=True, slots=True)
class Run:
    """One call: the file, where to, and how to tell."""

    file: Path
    is_dry: bool
    as_json: bool
    invited_again: str
    passwords: Path | None


def main() -> int:
    """Run the tool; return the exit status."""
    arguments = _arguments()
    run = Run(
        arguments.file,
        arguments.dry_run,
        arguments.json,
        arguments.invite_again,
        # Play passwords are for the machine that the exchange runs on.
        None if os.environ.get("STACK") else arguments.passwords,
    )
    console = Console(stderr=True)
    try:
        # The file first: its faults need no deployment.
        tenant = read_file(run.file)
        settings = read_settings(OnboardingSettings, _variables(arguments, os.environ))
        _report(run, *_open(run, tenant, settings))
    except TenantFileError as error:
        _report_faults(run, error.faults, console)
        return 2
    except ToolError as error:
        console.print(f"onboard: {error}", markup=False, highlight=False)
        return 2
    except (SettingsError, BursaError) as error:
        code = f" ({error.code})" if isinstance(error, BursaError) else ""
        console.print(f"onboard: {error}{code}", markup=False, highlight=False)
        return 1
    except (BotoCoreError, ClientError) as error:
        console.print(f"onboard: AWS says: {error}", markup=False, highlight=False)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make onboard",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="print the changes, make none")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--invite-again", default="", metavar="EMAIL", help="whose first mail was lost or is old"
    )
    parser.add_argument(
        "--from-environment",
        action="store_true",
        help="read the deployment from variables, as the local runner sets them",
    )
    parser.add_argument("--passwords", type=Path, default=OUTPUTS.with_name("passwords.json"))
    return parser.parse_args()


def _variables(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Mapping[str, str]:
    if arguments.from_environment:
        return environment
    if environment.get("STACK"):
        return deployments.on_aws(environment)
    return deployments.on_this_machine(OUTPUTS)


def _open(
    run: Run, tenant: TenantFile, settings: OnboardingSettings
) -> tuple[TenantFile, Plan, Opened | None]:
    settings, place = _place(tenant, settings)
    dynamodb = dynamodb_client()
    pool = CognitoUserPool(cognito_client(), settings.user_pool_id)
    listings = SentListings(dynamodb, settings.directory_table)
    directory = DirectoryTable(dynamodb, settings.directory_table)
    brandings = BrandingTable(dynamodb, settings.directory_table)
    plan = Planner(directory, pool, listings, brandings).plan(tenant, place)
    if not run.as_json:
        _show(plan)
    if run.is_dry:
        return tenant, plan, None
    opening = Opening(open_onboarding(settings), listings, brandings, _passwords(run))
    opened = opening.carry_out(tenant, place, plan)
    for user in tenant.everybody():
        password = opening.passwords.of(user.email)
        if password is not None:
            # Also where a former run's file of passwords is gone.
            pool.set_password(user.email, password)
    if run.invited_again:
        pool.invite_again(run.invited_again)
    return tenant, plan, opened


def _place(tenant: TenantFile, settings: OnboardingSettings) -> tuple[OnboardingSettings, Place]:
    """Return the settings of the tenant's own pool, and where it is opened."""
    clients = frozenset({settings.user_pool_client_id})
    if tenant.sign_in is not None:
        pool = tenant.sign_in.user_pool_id
        issuer = f"{settings.issuer.rpartition('/')[0]}/{pool}"
        settings = settings._replace(user_pool_id=pool, issuer=issuer)
        clients = frozenset(tenant.sign_in.client_ids)
    shards = [int(number) for number in settings.shards.split(",")]
    shard = shards[0] if tenant.shard is None else tenant.shard
    if shard not in shards:
        raise ToolError(
            f"There is no shard {shard}; this deployment has {settings.shards}. Name one of them, "
            "or none."
        )
    return settings, Place(settings.issuer, clients, shard)


def _passwords(run: Run) -> Passwords:
    if run.passwords is None:
        return Invitations()
    path = run.passwords
    known = json.loads(path.read_text()) if path.exists() else {}
    return GeneratedPasswords(known, lambda passwords: deployments.keep_secret(path, passwords))


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


def _report(run: Run, tenant: TenantFile, plan: Plan, opened: Opened | None) -> None:
    if run.as_json:
        described = {} if opened is None else opened.described(tuple(tenant.markets))
        changes = [asdict(step) for step in plan.steps if step.action != KEEP]
        print(json.dumps({"changes": changes, **described}, indent=2))
        return
    if opened is None:
        print("That is what would be done; nothing was changed.")
        return
    print(
        f"Tenant {opened.profile.name} is {opened.profile.tenant}, on shard {opened.profile.shard}."
    )
    for email, account in opened.accounts.items():
        print(f"  {email}  account {account}")
    if run.passwords is None:
        print("Who is new gets a mail with a password that is good once, for a day.")
    else:
        print(f"Passwords are in {run.passwords}, which only you can read.")


def _report_faults(run: Run, faults: tuple[Fault, ...], console: Console) -> None:
    if run.as_json:
        rows = [{"file": str(run.file), **asdict(fault)} for fault in faults]
        print(json.dumps({"faults": rows}, indent=2))
        return
    for fault in faults:
        text = f"{run.file}:{fault.line}: {fault.field}: {fault.message}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
