"""`python -m scripts.emulator`: MiniStack behind its front, set up by variables.

Beside MiniStack's own: ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, the keys that it takes;
``BURSA_ORIGINS``, the origins whose pages may use it, separated by commas; ``BURSA_COPIES``, where
its state is copied to while it runs, and ``BURSA_COPIED_BESIDE``, files that belong to that state;
``BURSA_CALLS``, a file in which to note the kinds of calls that it gets.
"""

import hmac
import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import ministack.app as ministack  # type: ignore[import-untyped]
from ministack.core import iam_evaluator, lambda_runtime  # type: ignore[import-untyped]
from ministack.services import apigateway_v1, cognito, dynamodb  # type: ignore[import-untyped]

from scripts.emulator.calls import Calls, noting
from scripts.emulator.copies import Copies, Places
from scripts.emulator.front import Front
from scripts.emulator.memory import Memory, copied
from scripts.emulator.queries import read_key_conditions_once
from scripts.emulator.sign_up import confirm_with_address, sign_up_unless_closed
from scripts.emulator.throttles import find_methods_by_templates_names


def main() -> None:
    """Serve until asked to end."""
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    check_signatures_of_root()
    derive_keys_of_functions(secret)
    dynamodb._evaluate_condition = read_key_conditions_once(  # noqa: SLF001 - no setting
        dynamodb._evaluate_condition  # noqa: SLF001
    )
    apigateway_v1._method_throttle_settings = find_methods_by_templates_names(  # noqa: SLF001 - as above
        apigateway_v1._method_throttle_settings  # noqa: SLF001
    )
    cognito._confirm_sign_up = confirm_with_address(cognito)  # noqa: SLF001 - no setting
    cognito._sign_up = sign_up_unless_closed(cognito)  # noqa: SLF001 - no setting
    application = ministack.app
    if os.environ.get("BURSA_CALLS"):
        application = noting(application, Calls(Path(os.environ["BURSA_CALLS"])))
    if "BURSA_COPIES" in os.environ:
        memory = Memory()
        application = copied(application, memory, Copies(_places(), memory))
    origins = _listed("BURSA_ORIGINS")
    ministack.app = Front(application, frozenset(origins), secret)
    sys.argv = ["ministack"]
    ministack.main()


def check_signatures_of_root() -> None:
    """Make MiniStack check root's signatures under ``AUTH=true``, as it does everybody else's.

    MiniStack 1.5 takes any signature that names root's key, ``test``, or twelve digits.
    """
    iam_evaluator._is_root_key = lambda access_key_id: not access_key_id  # noqa: SLF001 - no setting


def derive_keys_of_functions(secret: str) -> None:
    """Make the keys that functions get depend on the secret, too.

    MiniStack 1.5 derives them from the function's and the role's name alone, by SHA-256; nothing
    else in that module uses it.
    """
    keyed = partial(hmac.new, secret.encode(), digestmod="sha256")
    lambda_runtime.hashlib = SimpleNamespace(sha256=keyed)


def _places() -> Places:
    return Places(
        copies=Path(os.environ["BURSA_COPIES"]),
        state=Path(os.environ["STATE_DIR"]),
        objects=Path(os.environ["S3_DATA_DIR"]),
        beside=tuple(map(Path, _listed("BURSA_COPIED_BESIDE"))),
    )


def _listed(variable: str) -> list[str]:
    return [entry for entry in os.environ.get(variable, "").split(",") if entry]


if __name__ == "__main__":
    main()
