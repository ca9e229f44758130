"""The file that describes a tenant, and every fault in it with its line.

Its form is that of `bursa.dialects.operator.tenant_file`, as YAML.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from bursa.dialects.operator.tenant_file import (
    DescriptionError,
    Path,
    TenantFile,
    describe,
    text_of,
)
from scripts.onboard.lines import YamlError, read_yaml

BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a file: the line, the field by its path, and what to do."""

    line: int
    field: str
    message: str


class TenantFileError(Exception):
    """Raised with every fault of a file."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        super().__init__(
            "\n".join(f"{name}:{one.line}: {one.field}: {one.message}" for one in faults)
        )
        self.name = name
        self.faults = tuple(faults)


def read_file(path: FilePath) -> TenantFile:
    """Read a tenant.

    Raises
    ------
    TenantFileError
        Names every fault with its line; nothing was sent to anybody.

    """
    try:
        content = path.read_bytes()
        text = content.decode()
    except OSError as error:
        raise TenantFileError(str(path), [Fault(1, "file", f"{error.strerror}.")]) from None
    except UnicodeDecodeError:
        raise TenantFileError(str(path), [Fault(1, "file", "is no text in UTF-8.")]) from None
    if len(content) > BYTES_MAX:
        raise TenantFileError(str(path), [Fault(1, "file", "is larger than a megabyte.")])
    return parse(text, str(path))


def parse(text: str, name: str) -> TenantFile:
    """Read a tenant from YAML; raises as `read_file` does."""
    try:
        content, lines = read_yaml(text)
    except YamlError as fault:
        raise TenantFileError(name, [Fault(fault.line, "file", fault.message)]) from None
    try:
        return describe(content)
    except DescriptionError as error:
        faults = [
            Fault(_line(at, lines), text_of(at) if at else "file", message)
            for at, message in error.faults
        ]
        raise TenantFileError(name, faults) from None


def _line(path: Path, lines: dict[Path, int]) -> int:
    """Return the line of the longest part of a path that is in the file."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)
