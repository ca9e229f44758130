"""Where CloudFormation's templates are, beside the application's own."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
# What tenants' own stacks are made from; functions make them, so it is part of their layer.
BLUEPRINTS: Final = ROOT / "layers" / "core" / "bursa" / "tenants" / "blueprints"


def nested_templates() -> list[Path]:
    """Return the templates that the application nests, or of which tenants have stacks."""
    return sorted([*(ROOT / "infra").glob("*.yaml"), *BLUEPRINTS.glob("*.yaml")])
