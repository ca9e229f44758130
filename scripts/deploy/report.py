"""A change set on paper: a table for a person, JSON for a program."""

import json
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scripts.deploy.account import Change
from scripts.deploy.guard import NESTED

_COLOURS = {"Add": "green", "Modify": "yellow", "Remove": "red"}
_CAUSES_SHOWN = 4


def show(console: Console, changes: Sequence[Change], dangers: Sequence[Change]) -> None:
    """Print the changes as a table; a stack that is new as a whole is one row."""
    table = Table("change", "resource", "type", "replaced", "because of", header_style="bold")
    for change, inside in _folded(changes):
        colour = "bold red" if change in dangers else _COLOURS.get(change.action, "white")
        table.add_row(
            f"[{colour}]{change.action.lower()}[/]",
            escape(change.path),
            change.kind.removeprefix("AWS::"),
            _replaced(change),
            f"new, with {inside} in it" if inside else escape(_because(change)),
        )
    console.print(table)
    counts = {action: sum(one.action == action for one in changes) for action in _COLOURS}
    console.print(
        f"{counts['Add']} to add, {counts['Modify']} to modify, {counts['Remove']} to remove."
    )


def as_json(changes: Sequence[Change], dangers: Sequence[Change]) -> str:
    """Return the changes as JSON: a list of objects, the dangerous ones marked."""
    rows = [
        {
            "action": change.action,
            "resource": change.path,
            "type": change.kind,
            "replacement": change.replacement or None,
            "because_of": list(change.causes),
            "stops_the_deployment": change in dangers,
        }
        for change in changes
    ]
    return json.dumps(rows, indent=2)


def refusal(dangers: Sequence[Change]) -> str:
    """Return the sentence that ends a deployment."""
    named = ", ".join(f"{one.path} ({one.kind.removeprefix('AWS::')})" for one in dangers)
    return (
        f"Nothing was changed, because this would replace or remove what holds data: {named}. "
        "Take the change of the properties shown out of the template, or move the data first "
        "(docs/deploy.md, Replacing what holds data)."
    )


def _folded(changes: Sequence[Change]) -> Iterator[tuple[Change, int]]:
    """Yield changes with how many others each stands for; a path comes after the stack's own."""
    new = ""
    for change in sorted(changes, key=lambda one: one.path):
        if new and change.path.startswith(new):
            continue
        inside = f"{change.path}/"
        is_new = change.kind == NESTED and change.action == "Add"
        new = inside if is_new else ""
        yield change, sum(one.path.startswith(inside) for one in changes) if is_new else 0


def _replaced(change: Change) -> str:
    return {"True": "[bold red]yes[/]", "Conditional": "[red]perhaps[/]"}.get(
        change.replacement, ""
    )


def _because(change: Change) -> str:
    shown = ", ".join(change.causes[:_CAUSES_SHOWN])
    more = len(change.causes) - _CAUSES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
