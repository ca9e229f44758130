"""YAML with the line of every value, so that a fault can be shown where it is."""

from typing import Any

import yaml

Path = tuple[str | int, ...]


class YamlError(Exception):
    """Raised for text that is no plain YAML; has the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


def read_yaml(text: str) -> tuple[Any, dict[Path, int]]:
    """Return what YAML holds, and the line (from 1) of each value by its path.

    Raises
    ------
    YamlError
        It is no YAML, names a key twice, or uses anchors or tags.

    """
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise YamlError(1, "uses an alias (*name): write the value out.")
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, error.problem or "is no YAML") from None
    except yaml.YAMLError as error:
        raise YamlError(1, str(error)) from None
    lines: dict[Path, int] = {}
    return (None if node is None else _value(loader, node, (), lines, 1)), lines


def _value(  # what a file holds is of any type
    loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: dict[Path, int], line: int
) -> Any:  # noqa: ANN401
    if path in lines:
        raise YamlError(line, f"{path[-1]} is there twice: keep one.")
    lines[path] = line
    if isinstance(node, yaml.MappingNode):
        content = {}
        for key, value in node.value:
            # A value may begin in the line below its key.
            at = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(at, "A key must be a word.")
            content[key.value] = _value(loader, value, (*path, key.value), lines, at)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [
            _value(loader, one, (*path, at), lines, one.start_mark.line + 1)
            for at, one in enumerate(node.value)
        ]
    try:
        return loader.construct_object(node)
    except yaml.MarkedYAMLError as error:
        raise YamlError(line, error.problem or "is no value") from None
