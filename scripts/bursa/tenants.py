"""Commands about tenants; each may be repeated, and goes on where it stopped."""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from bursa.bootstrap.tenants import TenantTools, open_tenant_tools
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import SettingsError, TenantToolSettings, read_settings
from bursa.tenants.administration import Request
from bursa.tenants.life import TenantRecord, TenantState
from scripts.bursa import presentation
from scripts.bursa.creation import create
from scripts.bursa.export_files import write_export
from scripts.bursa.options import Json, Name, Outputs, Reason, Region, Stack
from scripts.bursa.spans import span_ms
from scripts.bursa.stack import DEFAULT_REGION, cloudformation_client, stack_outputs
from scripts.client import OUTPUTS, ToolError
from scripts.local.progress import Progress
from scripts.local.worker import variables
from scripts.onboard.tenant_file import TenantFileError, read_file

app = typer.Typer(no_args_is_help=True, help="Open, suspend, export and delete tenants.")

app.command()(create)


class Desk:
    """One command's tools, and where it writes: what it found to stdout, all else to stderr."""

    def __init__(self, stack: str | None, region: str, outputs: Path, *, as_json: bool) -> None:
        self.progress = Progress(Console(stderr=True))
        self._as_json = as_json
        found = variables(stack_outputs(stack, region, outputs))
        self.operator = _operator(stack)
        self.tools: TenantTools = open_tenant_tools(
            read_settings(TenantToolSettings, found), self.operator, cloudformation_client()
        )

    def find(self, name: str) -> tuple[TenantId, TenantRecord]:
        """Return the tenant with a name or an id."""
        record = self.tools.administration.find(name)
        return TenantId.parse(record.tenant), record

    def show(self, record: TenantRecord) -> None:
        """Print one tenant."""
        markets = self.tools.markets.all(TenantId.parse(record.tenant))
        if self._as_json:
            print(json.dumps(presentation.as_json(record, markets), indent=2))
        else:
            print(presentation.as_text(record, markets))

    def show_all(self, records: list[TenantRecord]) -> None:
        """Print all tenants."""
        if self._as_json:
            print(json.dumps([presentation.as_json(record) for record in records], indent=2))
        else:
            Console().print(presentation.as_table(records))

    def print_json(self, content: object) -> None:
        """Print something else that was made."""
        print(json.dumps(content, indent=2))


def _operator(stack: str | None) -> str:
    """Return who is asking: on AWS the principal of the credentials."""
    if stack:
        return boto3.client("sts").get_caller_identity()["Arn"]
    return getpass.getuser()


@contextmanager
def desk(stack: str | None, region: str, outputs: Path, *, as_json: bool) -> Iterator[Desk]:
    """Open the tools; what fails is one sentence and exit status 1."""
    try:
        yield Desk(stack, region, outputs, as_json=as_json)
    except BursaError as error:
        _fail(f"{error.detail} ({error.code})")
    except (ToolError, SettingsError, TenantFileError, BotoCoreError, ClientError) as error:
        _fail(str(error))


def _fail(sentence: str) -> None:
    typer.echo(f"bursa: {sentence}", err=True)
    raise typer.Exit(1)


@app.command("list")
def list_tenants(
    *,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """List all tenants.

    bursa tenants list --json
    """
    with desk(stack, region, outputs, as_json=as_json) as at:
        at.show_all(list(at.tools.administration.all()))


@app.command()
def show(
    name: Name,
    *,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Show a tenant: its state, markets and history.

    bursa tenants show demo
    """
    with desk(stack, region, outputs, as_json=as_json) as at:
        at.show(at.find(name)[1])


@app.command()
def brand(
    file: Annotated[Path, typer.Argument(help="The tenant's file; only its branding is read.")],
    *,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Change how a tenant looks to its users, as its file says.

    bursa tenants brand brand.yaml
    """
    with desk(stack, region, outputs, as_json=as_json) as at:
        described = read_file(file)
        if described.branding is None:
            raise ToolError(f"{file} has no branding: see docs/onboarding.md.")
        tenant, record = at.find(described.name)
        at.tools.brandings.write(tenant, described.branding.branding())
        at.show(record)


@app.command()
def suspend(
    name: Name,
    *,
    reason: Reason,
    grace: Annotated[
        str | None,
        typer.Option(help="How long users may still sign in: 0m, 24h; unless named, 24 hours."),
    ] = None,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Take cancels only at once, and refuse sign-in after a time of grace.

    bursa tenants suspend demo --reason "court order 12" --grace 0m
    """
    with desk(stack, region, outputs, as_json=as_json) as at:
        tenant, _ = at.find(name)
        grace_ms = None if grace is None else span_ms(grace, "--grace")
        with at.progress.step(f"Suspending {name}"):
            record = at.tools.administration.suspend(tenant, Request(at.operator, reason), grace_ms)
        at.show(record)


@app.command()
def resume(
    name: Name,
    *,
    reason: Reason,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Open a suspended or closing tenant again, each market as it was.

    bursa tenants resume demo --reason "order lifted"
    """
    with desk(stack, region, outputs, as_json=as_json) as at:
        tenant, _ = at.find(name)
        with at.progress.step(f"Resuming {name}"):
            record = at.tools.administration.resume(tenant, Request(at.operator, reason))
        at.show(record)


@app.command()
def export(
    name: Name,
    *,
    to: Annotated[Path, typer.Option(help="A new folder; nobody else can read it.")],
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Write a tenant's users, settings, markets, trades, orders, fills and balances into a folder.

    Not who its users are (KYC), their keys, nor its audit log: `bursa audit export`.

    bursa tenants export demo --to demo-2026-11-29
    """
    with desk(stack, region, outputs, as_json=as_json) as at:
        tenant, record = at.find(name)
        # Taken before the rows are read, so that the manifest never claims too much.
        about = {"tenant": presentation.as_json(record), "exported_by": at.operator}
        users = ("users", at.tools.pools.users(record.issuer))
        parts = (part for parts in ([users], at.tools.tables.parts(tenant)) for part in parts)
        manifest = write_export(to, about, parts, at.progress.say)
        at.tools.administration.note_export(tenant)
        if as_json:
            at.print_json(manifest)
        else:
            at.progress.say(f"Exported {name} to {to}.")


@app.command()
def delete(
    name: Name,
    *,
    reason: Reason,
    waiting: Annotated[
        str | None,
        typer.Option(help="How long users may still leave, 7 to 365 days; unless named, 30d."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Close a tenant, and delete it when the same is asked for after the waiting period.

    The first call closes it: cancels only from then on; `resume` takes that back. After the
    waiting period and an export the second one deletes its users for good.

    bursa tenants delete demo --reason "contract ended" --waiting 30d
    """
    with desk(stack, region, outputs, as_json=as_json) as at:
        tenant, record = at.find(name)
        request = Request(at.operator, reason)
        is_closing = record.state in {TenantState.CLOSING, TenantState.DELETED}
        what = "Delete all users of" if is_closing else "Close"
        if not yes and not typer.confirm(f"{what} {record.name} ({tenant})?", err=True):
            raise typer.Exit(1)
        administration = at.tools.administration
        if is_closing and record.standstill is not None and record.standstill.is_in_force:
            with at.progress.step(f"Deleting {name}"):
                record = administration.delete(tenant, request)
        else:
            with at.progress.step(f"Closing {name}"):
                record = administration.close(
                    tenant, request, *([] if waiting is None else [span_ms(waiting, "--waiting")])
                )
        at.show(record)
