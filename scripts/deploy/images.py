"""Which machine image the worker's instances have: one that is named, until another one is.

Amazon Linux's newest image changes on days that nobody here chooses. A deployment of something else
must not replace both workers for that, and an instance that is replaced at night must be what was
there before.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from scripts.deploy.account import RunningStack

IMAGE = "WorkerImageId"
NEWEST = "latest"
# Where Amazon names the newest image for arm64 with its default kernel.
NEWEST_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"


class Images(Protocol):
    """The images that Amazon publishes."""

    def newest(self) -> str:
        """Return the id of Amazon Linux's newest image for arm64, in this region."""


def pinned(
    wanted: Mapping[str, str],
    running: RunningStack | None,
    images: Images,
    say: Callable[[str], None],
) -> dict[str, str]:
    """Return the fleet's image where it is to change: for a first fleet, or when asked for."""
    asked = wanted.get(IMAGE, "")
    if asked and asked != NEWEST:
        return {}
    newest = images.newest()
    has = running.parameters.get(IMAGE, "") if running else ""
    if asked == NEWEST or not has:
        say(f"The fleet's image is {newest} from now on.")
        return {IMAGE: newest}
    if has != newest:
        say(
            f"The fleet keeps its image {has}; Amazon Linux's newest is {newest}. "
            "WORKER_IMAGE=latest takes it, and replaces one worker after the other."
        )
    return {}
