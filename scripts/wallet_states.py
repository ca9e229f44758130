"""Writes the tables of the wallets' state machines into docs/wallets.md.

python -m scripts.wallet_states
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from bursa.wallets.deposit_states import DEPOSIT_TABLE  # noqa: E402
from bursa.wallets.state_table import StateTable  # noqa: E402
from bursa.wallets.withdrawal_states import WITHDRAWAL_TABLE  # noqa: E402

PAGE: Final = ROOT / "docs" / "wallets.md"
TABLES: Final[Mapping[str, StateTable[Any, Any]]] = {
    "deposits": DEPOSIT_TABLE,
    "withdrawals": WITHDRAWAL_TABLE,
}


def with_tables(page: str) -> str:
    """Return a page with each table between its marks; raises `ValueError` where a mark lacks."""
    for name, table in TABLES.items():
        begin, end = f"<!-- states of {name} -->\n", f"<!-- end of states of {name} -->"
        before, found, rest = page.partition(begin)
        _, ended, after = rest.partition(end)
        if not found or not ended:
            raise ValueError(f"the page has no marks for the states of {name}")
        page = f"{before}{begin}\n" + "\n".join(table.markdown()) + f"\n\n{end}{after}"
    return page


def main() -> int:
    """Write the page; return an exit code."""
    PAGE.write_text(with_tables(PAGE.read_text()))
    print(f"{PAGE.name}: {', '.join(TABLES)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
