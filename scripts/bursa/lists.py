"""Commands about sanctions lists in OFAC's CSV form: look at one, compare people, put it in force.

`check`, `compare` and `measure` read files and call nothing.
"""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import boto3
import typer
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from bursa.compliance.list_versions import ListFiles, ListInForce, publish, read_list
from bursa.compliance.list_versions_s3 import S3Lists
from bursa.compliance.sanctions_list import SanctionsList, parse_list
from bursa.compliance.screening import THRESHOLD, WHOLE, Person, Screening, ScreeningHit
from bursa.kernel.calendar_time import CalendarDate, parse_date
from bursa.kernel.clock import SystemClock
from bursa.kernel.errors import BursaError, InvalidInput
from scripts.bursa.options import Json, Region
from scripts.bursa.stack import DEFAULT_REGION

app = typer.Typer(no_args_is_help=True, help="Check, try and publish sanctions lists.")

Sdn = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="sdn.csv")]
Alt = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="alt.csv")]
Bucket = Annotated[str, typer.Option(help="The bucket of the lists.")]
ListName = Annotated[str, typer.Option("--list", help="The list's name, such as ofac-sdn.")]
_MEASURED = (780, 800, 820, 840, THRESHOLD, 860, 880, 900, 920, 950)
_SHOWN = 20


@app.command()
def check(sdn: Sdn, alt: Alt, *, as_json: Json = False) -> None:
    """Show what a list holds, and who on it can't be compared.

    bursa lists check sdn.csv alt.csv
    """
    with _errors():
        found = _read(sdn, alt)
        undated = sum(not entry.born for entry in found.entries)
        content = {
            "digest": found.digest,
            "individuals": len(found.entries),
            "names": sum(len(entry.names) for entry in found.entries),
            "without_date_of_birth": undated,
            "not_comparable": list(found.unreadable),
        }
    if as_json:
        print(json.dumps(content, indent=2))
        return
    print(f"{content['individuals']} individuals with {content['names']} names.")
    lost = len(found.unreadable)
    print(f"{undated} of them have no date of birth; {lost} more can't be compared.")
    if found.unreadable:
        rest = "" if lost <= _SHOWN else ", …"
        print(f"These need a person: {', '.join(found.unreadable[:_SHOWN])}{rest}")
    print(f"Digest: {found.digest}")


@app.command()
def compare(
    sdn: Sdn,
    alt: Alt,
    *,
    name: Annotated[list[str], typer.Option(help="A name; repeat it for others of the person.")],
    born: Annotated[str, typer.Option(help="Such as 1990-02-28.")] = "",
    threshold: Annotated[int, typer.Option(min=0, max=WHOLE)] = THRESHOLD,
    as_json: Json = False,
) -> None:
    """Compare one person with a list, and show what each hit's score is made of.

    bursa lists compare sdn.csv alt.csv --name "Anna Lindqvist" --born 1990-02-28
    """
    with _errors():
        person = Person(tuple(name), _date(born))
        hits = Screening(_read(sdn, alt), threshold)(person)
    if as_json:
        print(json.dumps([_as_json(hit) for hit in hits], indent=2))
    elif hits:
        Console().print(_as_table(hits))
    else:
        print(f"No hit from {threshold} on.")


@app.command()
def measure(
    sdn: Sdn,
    alt: Alt,
    people: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV with name, born and entry; empty for nobody."
        ),
    ],
) -> None:
    """Show precision and recall on people of your own, by threshold.

    bursa lists measure sdn.csv alt.csv people.csv
    """
    with _errors():
        screening = Screening(_read(sdn, alt), threshold=0)
        rows = _people(people)
        scores = [(entry, _best(screening, person, entry)) for person, entry in rows]
    listed = sum(bool(entry) for entry, _ in scores)
    refused = sum(score is None for _, score in scores)
    print(f"{listed} people on the list, {len(scores) - listed} others; {refused} refused")
    print("threshold  recall  precision  missed  false alarms")
    for threshold in sorted(_MEASURED):
        found = [entry for entry, score in scores if score is not None and score >= threshold]
        right = sum(bool(entry) for entry in found)
        recall = right / listed if listed else 1
        precision = right / len(found) if found else 1
        mark = " <" if threshold == THRESHOLD else ""
        print(
            f"{threshold:9}  {recall:6.3f}  {precision:9.3f}  {listed - right:6}  "
            f"{len(found) - right:12}{mark}"
        )


@app.command("publish")
def put_in_force(
    sdn: Sdn,
    alt: Alt,
    *,
    bucket: Bucket,
    name: ListName,
    confirm: Annotated[
        str, typer.Option(help="The digest of a list that is much shorter than the one before.")
    ] = "",
    region: Region = DEFAULT_REGION,
    as_json: Json = False,
) -> None:
    """Put a list in force; the same again changes nothing.

    bursa lists publish sdn.csv alt.csv --bucket lists --list ofac-sdn
    """
    with _errors():
        files = ListFiles(sdn.read_bytes(), alt.read_bytes())
        in_force = publish(
            _store(bucket, region), name, files, SystemClock().now_ms(), confirmed=confirm
        )
    _show(in_force, as_json=as_json)


@app.command()
def verify(bucket: Bucket, name: ListName, region: Region = DEFAULT_REGION) -> None:
    """Read the list in force as a screening does: whole, or not at all.

    bursa lists verify --bucket lists --list ofac-sdn
    """
    with _errors():
        found = read_list(_store(bucket, region), name)
    print(f"{len(found.entries)} individuals are in force. Digest: {found.digest}")


def _store(bucket: str, region: str) -> S3Lists:
    return S3Lists(boto3.client("s3", region_name=region), bucket)


def _read(sdn: Path, alt: Path) -> SanctionsList:
    return parse_list(sdn.read_bytes(), alt.read_bytes())


def _date(text: str) -> CalendarDate | None:
    found = parse_date(text)
    if text and found is None:
        raise InvalidInput("invalid_date", f"{text!r} is no date such as 1990-02-28.")
    return found


def _people(path: Path) -> list[tuple[Person, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"name", "born", "entry"} <= set(rows.fieldnames or ()):
            raise InvalidInput("invalid_people", "Give a CSV with columns name, born and entry.")
        return [(Person((row["name"],), _date(row["born"])), row["entry"]) for row in rows]


def _best(screening: Screening, person: Person, entry: str) -> int | None:
    """Return the score that counts: of a person's own entry, or of any for nobody on the list."""
    try:
        hits = screening(person)
    except InvalidInput:
        return None
    return max((hit.score for hit in hits if entry in {"", hit.entry}), default=0)


def _show(in_force: ListInForce, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(in_force._asdict(), indent=2))
    else:
        print(f"{in_force.entries} individuals are in force. Digest: {in_force.digest}")


def _as_json(hit: ScreeningHit) -> dict[str, object]:
    return hit._asdict() | {
        "words": [word._asdict() for word in hit.words],
        "birth": hit.birth.value,
    }


def _as_table(hits: tuple[ScreeningHit, ...]) -> Table:
    table = Table("score", "entry", "listed as", "words taken for the same", "date of birth")
    for hit in hits:
        words = ", ".join(f"{one.theirs}={one.listed} {one.likeness}" for one in hit.words)
        table.add_row(str(hit.score), hit.entry, hit.listed, words, hit.birth.value)
    return table


@contextmanager
def _errors() -> Iterator[None]:
    """End the command with what was wrong instead of a traceback."""
    try:
        yield
    except BursaError as error:
        # What AWS said, where it was not merely away: a bucket's name, a right that is missing.
        cause = f": {error.__cause__}" if isinstance(error.__cause__, ClientError) else ""
        typer.echo(f"bursa: {error.detail} ({error.code}{cause})", err=True)
        raise typer.Exit(1) from error
