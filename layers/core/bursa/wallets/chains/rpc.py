"""JSON-RPC as chains use it: a question that may be repeated, and a command that is sent once."""

from dataclasses import dataclass
from typing import Any, Protocol

# What nodes answer is JSON; its form is checked where it is read.
Json = Any


@dataclass
class RpcFault(Exception):  # noqa: N818 - a node's own word for it is an error, ours are others
    """A node's answer that it did not do it, with its own code and text."""

    code: int
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Rpc(Protocol):
    """A node's interface. Both raise `RpcFault`, and `ports.NodeUnavailable`."""

    def read(self, method: str, *params: Json) -> Json:
        """Ask, and ask again once if there was no answer: nothing is changed by it."""

    def send(self, method: str, *params: Json) -> Json:
        """Have something done, once. Without an answer it may have been done."""
