"""The states of a deposit. A credit is decided first, then made, and only then stated.

While the ledger is asked (``crediting``, ``reversing``) nothing else may happen to the deposit: a
reorganisation that comes meanwhile is found by the next look, and taken back then.
"""

from enum import StrEnum
from typing import Final

from bursa.wallets.state_table import Row, StateTable


class DepositState(StrEnum):
    """What a deposit waits for; the words that are stored and shown."""

    SEEN = "seen"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    HELD = "held"
    CREDITING = "crediting"
    CREDITED = "credited"
    FINAL = "final"
    BELOW_MINIMUM = "below_minimum"
    UNPENDED = "unpended"
    REPLACED = "replaced"
    REVERSING = "reversing"
    REVERSED = "reversed"
    ACCOUNT_HELD = "account_held"
    REJECTED = "rejected"


class DepositStep(StrEnum):
    """What happens to a deposit."""

    INCLUDE = "include"
    CONFIRM = "confirm"
    FIND_SMALL = "find_small"
    DROP = "drop"
    REPLACE = "replace"
    CLEAR = "clear"
    HOLD = "hold"
    ACCEPT = "accept"
    REJECT = "reject"
    STATE_CREDIT = "state_credit"
    REFUSE_CREDIT = "refuse_credit"
    FINISH = "finish"
    TAKE_BACK = "take_back"
    STATE_REVERSAL = "state_reversal"
    HOLD_ACCOUNT = "hold_account"
    RETURN = "return"


_S, _T = DepositState, DepositStep

DEPOSIT_TABLE: Final = StateTable(
    (
        Row((_S.SEEN, _S.UNPENDED), _T.INCLUDE, _S.PENDING, "a block of the active chain has it"),
        Row((_S.PENDING,), _T.INCLUDE, _S.PENDING, "another block has it now"),
        Row((_S.SEEN, _S.UNPENDED), _T.REPLACE, _S.REPLACED, "what it spends is spent by another"),
        Row(
            (_S.PENDING, _S.CONFIRMED, _S.HELD),
            _T.DROP,
            _S.UNPENDED,
            "its block is no longer of the active chain; nothing was credited",
        ),
        Row((_S.PENDING,), _T.CONFIRM, _S.CONFIRMED, "enough blocks stand on it"),
        Row(
            (_S.PENDING,),
            _T.FIND_SMALL,
            _S.BELOW_MINIMUM,
            "enough blocks stand on it, and it is smaller than what is credited",
        ),
        Row((_S.CONFIRMED,), _T.HOLD, _S.HELD, "the screening of its source has a hit"),
        Row(
            (_S.CONFIRMED,),
            _T.CLEAR,
            _S.CREDITING,
            "the screening has none, or a person has accepted it",
        ),
        Row((_S.HELD,), _T.ACCEPT, _S.CONFIRMED, "a person of compliance accepts it"),
        Row((_S.HELD,), _T.REJECT, _S.REJECTED, "a person of compliance rejects it; never swept"),
        Row((_S.CREDITING,), _T.STATE_CREDIT, _S.CREDITED, "the engine has credited it"),
        Row((_S.CREDITING,), _T.REFUSE_CREDIT, _S.HELD, "the engine has refused it"),
        Row((_S.CREDITED,), _T.FINISH, _S.FINAL, "so deep that it is no longer watched"),
        Row(
            (_S.CREDITED,),
            _T.TAKE_BACK,
            _S.REVERSING,
            "its block is no longer of the active chain; the chain's withdrawals stop",
        ),
        Row((_S.REVERSING,), _T.STATE_REVERSAL, _S.REVERSED, "the engine has debited it"),
        Row(
            (_S.REVERSING,),
            _T.HOLD_ACCOUNT,
            _S.ACCOUNT_HELD,
            "the account no longer has the amount, and was frozen",
        ),
        Row((_S.REVERSED,), _T.RETURN, _S.PENDING, "a block has it again; to be credited anew"),
        Row(
            (_S.ACCOUNT_HELD,),
            _T.RETURN,
            _S.CREDITED,
            "a block has it again; a person unfreezes the account",
        ),
    )
)
# What nothing changes any more.
DEPOSIT_ENDS: Final = frozenset({_S.FINAL, _S.BELOW_MINIMUM, _S.REPLACED, _S.REJECTED})
# A credit may have been made and not taken back.
DEPOSIT_CREDITED: Final = frozenset({_S.CREDITED, _S.FINAL, _S.ACCOUNT_HELD})
