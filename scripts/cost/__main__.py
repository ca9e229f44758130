"""Print what an order costs and what a deployment costs at rest.

make cost                    the tables of docs/cost.md, from units, prices and templates
make cost ARGS=--json        for a program
make cost ARGS=--write       put them into docs/cost.md
"""

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from scripts.cost import at_rest, orders
from scripts.cost.deployment import ROOT

PAGE = ROOT / "docs" / "cost.md"
TABLES = {
    "orders": orders.table,
    "units": orders.units_table,
    "sockets": at_rest.sockets_table,
    "rest": at_rest.table,
}


def markdown(rows: list[list[str]]) -> str:
    """Return a table as Markdown."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in row)}|\n" for row in lines)


def written(text: str) -> str:
    """Return the page with its tables made anew."""
    for name, table in TABLES.items():
        made = markdown(table()).replace("| --- |", "|---|").replace(" --- ", "---")
        begin, end = f"<!-- {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{made}{end}{after}"
    return text


def main(words: list[str] | None = None) -> int:
    """Run it."""
    description, _, examples = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="make cost",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help="rewrite the tables of docs/cost.md")
    arguments = parser.parse_args(words)
    if arguments.write:
        PAGE.write_text(written(PAGE.read_text()))
        return 0
    tables = {name: table() for name, table in TABLES.items()}
    if arguments.json:
        print(json.dumps({name: _objects(rows) for name, rows in tables.items()}))
        return 0
    for rows in tables.values():
        shown = Table(*rows[0])
        for row in rows[1:]:
            shown.add_row(*row)
        Console().print(shown)
    return 0


def _objects(rows: list[list[str]]) -> list[dict[str, str]]:
    head, *body = rows
    return [dict(zip(head, row, strict=True)) for row in body]


if __name__ == "__main__":
    sys.exit(main())
