"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="The tenant's id, such as t7, or its name.")]
Stack = Annotated[
    str | None, typer.Option(help="A deployment on AWS instead of the one on this machine.")
]
Region = Annotated[str, typer.Option(help="Of the stack.")]
Outputs = Annotated[Path, typer.Option(help="Written by `make up`.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the tenant.")]
