"""The AWS keys of one local exchange: random, made with its state, known to nobody else."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from scripts.local import private

FILE = "keys.json"


@dataclass(frozen=True, slots=True)
class Keys:
    """What the emulator takes, and every script, worker and tool signs with."""

    access_key_id: str
    secret_access_key: str

    @classmethod
    def of(cls, home: Path) -> Self:
        """Read the keys of a home; makes them when there are none, or none that can be read."""
        path = home / FILE
        try:
            return cls(**json.loads(path.read_text()))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            path.unlink(missing_ok=True)
        made = cls(f"BURSA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30))
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        own = home / f"{FILE}.{os.getpid()}"
        private.write(own, json.dumps(asdict(made)))
        try:
            # Of two commands that make keys at the same time, both use those of the first.
            path.hardlink_to(own)
        except FileExistsError:
            return cls(**json.loads(path.read_text()))
        finally:
            own.unlink(missing_ok=True)
        return made

    def variables(self) -> dict[str, str]:
        """Return them as AWS's own environment variables."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
