"""Throttles of methods, found by the names that templates give them.

A template writes a method's path with ``~1`` for each slash after the first (``/~1orders``), as
API Gateway wants it. MiniStack keeps that and looks for ``/orders``, so that each method had what
the template sets for those that it does not name. It reads MiniStack's modules by the names they
have in version 1.5; a test compares with the template.
"""

from collections.abc import Callable, Mapping
from typing import Any

Find = Callable[[Mapping[str, Any], str, str], Mapping[str, Any] | None]


def find_methods_by_templates_names(find: Find) -> Find:
    """Return MiniStack's search for what is set for a method, which looks for this name first."""

    def found(
        stage: Mapping[str, Any], resource_path: str, http_method: str
    ) -> Mapping[str, Any] | None:
        named = resource_path.replace("/", "~1")
        settings: Mapping[str, Mapping[str, Any]] = stage.get("methodSettings") or {}
        return settings.get(f"/{named}/{http_method}") or find(stage, resource_path, http_method)

    return found
