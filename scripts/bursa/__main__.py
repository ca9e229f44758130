"""Bursa's command line for operators: ``bursa tenants list``."""

import sys

import typer

from scripts.bursa import audit, lists, tenants

app = typer.Typer(
    name="bursa",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Operate an exchange, on this machine or on AWS (--stack).",
)
app.add_typer(tenants.app, name="tenants")
app.add_typer(audit.app, name="audit")
app.add_typer(lists.app, name="lists")


@app.callback()
def bursa() -> None:
    """Operate an exchange, on this machine or on AWS (--stack)."""


if __name__ == "__main__":
    sys.exit(app())
