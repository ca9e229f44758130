"""The environment of one local exchange: its checkout, its folder for state and logs, its port."""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.session import get_session

from scripts.local import private
from scripts.local.keys import Keys

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PORT_DEFAULT = 4566
REGION = "us-east-1"
STACK = "bursa"
OUTPUTS = "outputs.json"
# What a folder holds that an exchange has lived in.
_SIGNS = {"builds", "keys.json", "lock", "logs", "processes.json", "state"}


class LocalError(Exception):
    """Raised with one sentence for the terminal; nothing is left running."""


@dataclass(frozen=True, slots=True)
class LocalEnvironment:
    """Where one local exchange is.

    Attributes
    ----------
    root
        The checkout.
    home
        Its state, logs and outputs; ``.local`` of the checkout unless ``BURSA_HOME`` is set.
    port
        Where MiniStack listens, on loopback only.
    origins
        Origins of web pages, such as ``http://demo.localhost:5173``, that may use it.

    """

    root: Path
    home: Path
    port: int
    origins: tuple[str, ...] = ()

    @classmethod
    def read(cls) -> Self:
        """Read ``BURSA_HOME``, ``BURSA_PORT`` and ``BURSA_ORIGINS``, and close the home to others.

        The default port is that of a running exchange.

        Raises
        ------
        LocalError
            The port is not a port number, an origin is none, or the home holds something else.

        """
        home = Path(os.environ.get("BURSA_HOME", ROOT / ".local")).absolute()
        text = os.environ.get("BURSA_PORT") or str(_port_in_use(home))
        if not text.isdecimal() or not 1 <= int(text) <= 65535:  # noqa: PLR2004 - TCP's own bound
            raise LocalError(f"BURSA_PORT={text} is not a port; choose a number such as 4566.")
        origins = tuple(filter(None, os.environ.get("BURSA_ORIGINS", "").split(",")))
        for origin in origins:
            _require_origin(origin)
        _require_own(home)
        private.close_to_others(home)
        return cls(ROOT, home, int(text), origins)

    @property
    def keys(self) -> Keys:
        """The keys that MiniStack takes here."""
        return Keys.of(self.home)

    @property
    def endpoint_url(self) -> str:
        """URL of every AWS service."""
        return f"http://{HOST}:{self.port}"

    @property
    def logs(self) -> Path:
        """Folder of the logs, one file per process and step."""
        return self.home / "logs"

    @property
    def outputs(self) -> Path:
        """File that tools and tests read to find the running exchange."""
        return self.home / OUTPUTS

    @property
    def deployed(self) -> Path:
        """File that says what is deployed in the emulator's state; it is copied with that."""
        return self.home / "deployed.json"

    @property
    def builds(self) -> Path:
        """Folder of the builds by the hash of their sources, shared by every home of a checkout."""
        return self.root / ".local" / "builds"

    def client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
        """Return a client of one AWS service of this exchange."""
        keys = self.keys
        return get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=Config(retries={"total_max_attempts": 2}, proxies={}),
        )

    def child_environment(self) -> dict[str, str]:
        """Return the variables of a child process: this exchange's AWS and no real account."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "SAM_", "BURSA_", "POWERTOOLS_"))
            # Without byte code every Lambda start would compile its imports again.
            and name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
        }
        binaries = Path(sys.executable).parent
        return (
            kept
            | self.keys.variables()
            | {
                "PATH": f"{binaries}{os.pathsep}{kept.get('PATH', os.defpath)}",
                "AWS_ENDPOINT_URL": self.endpoint_url,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_REGION": REGION,
                # A developer's own profile must never be used by accident.
                "AWS_CONFIG_FILE": os.devnull,
                "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                "AWS_EC2_METADATA_DISABLED": "true",
                "SAM_CLI_TELEMETRY": "0",
                "NO_PROXY": f"{HOST},localhost",
                "no_proxy": f"{HOST},localhost",
            }
        )


def _require_own(home: Path) -> None:
    """Raise `LocalError` for a folder with other things in it: its rights are about to change."""
    try:
        names = {path.name for path in home.iterdir()}
    except FileNotFoundError:
        return
    except OSError as error:
        raise LocalError(f"BURSA_HOME={home} can't be used: {error}") from error
    if names and names.isdisjoint(_SIGNS):
        raise LocalError(f"BURSA_HOME={home} holds other things; name a new or an empty folder.")


def _require_origin(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or text != f"{parts.scheme}://{parts.netloc}":
        raise LocalError(
            f"BURSA_ORIGINS={text} is not an origin; give scheme, name and port,"
            " such as http://demo.localhost:5173."
        )


def _port_in_use(home: Path) -> int:
    try:
        url: str = json.loads((home / OUTPUTS).read_text())["endpoint_url"]
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return PORT_DEFAULT
    return int(url.rpartition(":")[2])


def require_tools() -> None:
    """Raise `LocalError` naming the first tool that is missing from the virtual environment."""
    binaries = str(Path(sys.executable).parent)
    for tool in ("ministack", "sam"):
        if shutil.which(tool, path=binaries) is None:
            raise LocalError(f"{tool} is missing from the virtual environment: run `make setup`.")
