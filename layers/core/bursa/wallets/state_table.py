"""Tables of state machines: which step leads from which state to which, and nothing else does.

A record changes its state by `after` alone, so a step that the table does not have changes nothing.
docs/wallets.md has both tables, written by `scripts/wallet_states.py` from what is here.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from bursa.kernel.errors import Conflict

State = TypeVar("State", bound=StrEnum)
Step = TypeVar("Step", bound=StrEnum)


class Row(NamedTuple, Generic[State, Step]):
    """One line of a table.

    Attributes
    ----------
    sources
        The states in which the step may happen.
    step, target
        What happened, and the state after it.
    when
        When it happens, in words.

    """

    sources: tuple[State, ...]
    step: Step
    target: State
    when: str


class StateTable(Generic[State, Step]):
    """The rows of one machine; each pair of a state and a step is in one row at most."""

    def __init__(self, rows: Sequence[Row[State, Step]]) -> None:
        self.rows = tuple(rows)
        self._targets: dict[tuple[State, Step], State] = {}
        for row in rows:
            for source in row.sources:
                if (source, row.step) in self._targets:
                    raise ValueError(f"{source} has two rows for {row.step}")
                self._targets[source, row.step] = row.target

    def after(self, state: State, step: Step) -> State:
        """Return the state after a step; raises `Conflict` ``wrong_state``: there is none."""
        target = self._targets.get((state, step))
        if target is None:
            raise Conflict(
                "wrong_state", f"It is {state} by now, where {step} is not possible; look again."
            )
        return target

    def allows(self, state: State, step: Step) -> bool:
        """Return whether a step is possible."""
        return (state, step) in self._targets

    def pairs(self) -> Mapping[tuple[State, Step], State]:
        """Return every state and step with the state after it."""
        return dict(self._targets)

    def markdown(self) -> Iterator[str]:
        """Yield the lines of the table as the documents have it."""
        yield "| in state | step | to state | when |"
        yield "|---|---|---|---|"
        for row in self.rows:
            sources = ", ".join(f"`{one}`" for one in row.sources)
            yield f"| {sources} | `{row.step}` | `{row.target}` | {row.when} |"
