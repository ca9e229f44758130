"""Commands about the audit logs of tenants: verify one, export one, verify an export."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from bursa.back_office.audit_chain import ChainReport, Fault
from bursa.back_office.audit_chain import verify as verify_chain
from bursa.back_office.audit_entry import StoredEntry, canonical, parsed
from bursa.bootstrap.audit import AuditTools, open_audit_tools
from bursa.kernel.errors import BursaError
from bursa.kernel.identifiers import TenantId
from bursa.kernel.settings import AuditToolSettings, SettingsError, read_settings
from scripts.bursa.options import Json, Name, Outputs, Region, Stack
from scripts.bursa.stack import DEFAULT_REGION, stack_outputs
from scripts.client import OUTPUTS, ToolError
from scripts.local import private
from scripts.local.worker import variables

app = typer.Typer(no_args_is_help=True, help="Verify and export the audit logs of back offices.")

_SAYS = {
    Fault.MISSING: "is missing",
    Fault.ALTERED: "is not what was hashed",
    Fault.UNLINKED: "does not follow from the one before it",
    Fault.FOREIGN: "is no entry of this log",
    Fault.REPLACED: "is another than the one that was published",
    Fault.CUT_OFF: "was published, and the log ends before it",
}


@app.command()
def verify(
    name: Name,
    *,
    file: Annotated[
        Path | None, typer.Option(help="Verify an export instead, without any heads.")
    ] = None,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Verify an audit log from its first entry to its end, and against the published heads.

    Ends with 0 when it is whole, 1 when it is not or can't be read.

    bursa audit verify demo
    """
    with _errors():
        if file is not None:
            tenant = TenantId.parse(name)
            heads: dict[int, str] = {}
            report = verify_chain(tenant, _read(file), heads)
        else:
            tools = _open(stack, region, outputs)
            tenant = tools.tenant(name)
            heads = tools.heads.all(tenant)
            report = verify_chain(tenant, tools.table.entries(tenant), heads)
    if as_json:
        print(json.dumps({"tenant": str(tenant), "heads": len(heads), **_described(report)}))
    else:
        _tell(tenant, report, len(heads))
    if not report.is_whole:
        raise typer.Exit(1)


@app.command()
def export(
    name: Name,
    file: Annotated[Path, typer.Argument(help="A new file; only you can read it.")],
    *,
    stack: Stack = None,
    region: Region = DEFAULT_REGION,
    outputs: Outputs = OUTPUTS,
    as_json: Json = False,
) -> None:
    """Export an audit log: one line of JSON an entry, with its hash.

    bursa audit export demo audit.jsonl
    """
    with _errors():
        if file.exists():
            raise ToolError(f"{file} exists; name a new file.")
        tools = _open(stack, region, outputs)
        tenant = tools.tenant(name)
        count = 0
        with private.append(file) as stream:
            for entry in tools.table.entries(tenant):
                stream.write(_line(entry).encode() + b"\n")
                count += 1
    if as_json:
        print(json.dumps({"tenant": str(tenant), "entries": count, "file": str(file)}))
    else:
        print(f"{count} entries of {tenant} are in {file}.")


def _line(entry: StoredEntry) -> str:
    """Return an entry as it is exported: what was hashed, as text, and the hash."""
    return canonical({"entry": entry.line, "hash": entry.hash})


def _read(file: Path) -> Iterator[StoredEntry]:
    with file.open() as stream:
        for at, text in enumerate(stream, 1):
            try:
                fields: dict[str, Any] = parsed(text)
                line, digest = str(fields["entry"]), str(fields["hash"])
                yield StoredEntry(int(parsed(line)["number"]), line, digest)
            except (KeyError, TypeError, ValueError):
                raise ToolError(f"{file}:{at} is no line of an export.") from None


def _described(report: ChainReport) -> dict[str, Any]:
    fields = asdict(report)
    fields["fault"] = report.fault.value if report.fault else None
    fields["unfinished"] = list(report.unfinished)
    return {"whole": report.is_whole, **fields}


def _tell(tenant: TenantId, report: ChainReport, heads: int) -> None:
    if report.fault is not None:
        print(f"The audit log of {tenant} is broken: entry {report.number} {_SAYS[report.fault]}.")
        print(f"The {report.entries} entries before it are whole.")
        return
    print(f"The audit log of {tenant} is whole: {report.entries} entries, {heads} published heads.")
    print(f"Head: {report.head}")
    _list_unfinished(report.unfinished)


def _list_unfinished(requests: Iterable[str]) -> None:
    for request in requests:
        print(f"Without an outcome: request {request}")


def _open(stack: str | None, region: str, outputs: Path) -> AuditTools:
    found = variables(stack_outputs(stack, region, outputs))
    return open_audit_tools(read_settings(AuditToolSettings, found))


@contextmanager
def _errors() -> Iterator[None]:
    """End the command with what was wrong instead of a traceback."""
    try:
        yield
    except BursaError as error:
        _fail(f"{error.detail} ({error.code})")
    except (ToolError, SettingsError, BotoCoreError, ClientError, OSError) as error:
        _fail(str(error))


def _fail(sentence: str) -> None:
    typer.echo(f"bursa: {sentence}", err=True)
    raise typer.Exit(1)
