"""The states of a withdrawal. Money is held at the request and leaves the hold once, one way.

Until ``signing`` it may still be given up; from then on a transaction may exist, and only what the
chain says ends it. Which way the hold goes is decided first (``paid``, ``failing``) and then asked
of the ledger, so two workers can't send it both ways.
"""

from enum import StrEnum
from typing import Final

from bursa.wallets.state_table import Row, StateTable


class WithdrawalState(StrEnum):
    """What a withdrawal waits for; the words that are stored and shown."""

    REQUESTED = "requested"
    HELD = "held"
    IN_REVIEW = "in_review"
    SCREENED = "screened"
    APPROVED = "approved"
    MOVING = "moving"
    SIGNING = "signing"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    UNKNOWN = "unknown"
    CONFIRMING = "confirming"
    PAID = "paid"
    DONE = "done"
    FINAL = "final"
    FAILING = "failing"
    FAILED = "failed"
    REFUSED = "refused"


class WithdrawalStep(StrEnum):
    """What happens to a withdrawal."""

    STATE_HOLD = "state_hold"
    REFUSE = "refuse"
    CLEAR = "clear"
    REVIEW = "review"
    APPROVE = "approve"
    GIVE_UP = "give_up"
    MOVE = "move"
    STATE_MOVE = "state_move"
    REFUSE_MOVE = "refuse_move"
    SIGN = "sign"
    STATE_SIGNATURE = "state_signature"
    VOID = "void"
    SEND = "send"
    LOSE_SIGHT = "lose_sight"
    INCLUDE = "include"
    DROP = "drop"
    PAY = "pay"
    STATE_PAYMENT = "state_payment"
    FINISH = "finish"
    FAIL = "fail"
    STATE_RELEASE = "state_release"


_S, _T = WithdrawalState, WithdrawalStep

WITHDRAWAL_TABLE: Final = StateTable(
    (
        Row((_S.REQUESTED,), _T.STATE_HOLD, _S.HELD, "limits are reserved and the engine holds it"),
        Row((_S.REQUESTED,), _T.REFUSE, _S.REFUSED, "a limit or the engine refuses; nothing held"),
        Row((_S.HELD,), _T.REVIEW, _S.IN_REVIEW, "the destination or the policy asks for a look"),
        Row((_S.HELD, _S.IN_REVIEW), _T.CLEAR, _S.SCREENED, "no hit, or a person accepts it"),
        Row((_S.SCREENED,), _T.APPROVE, _S.APPROVED, "as many people as the policy asks for"),
        Row(
            (_S.REQUESTED, _S.HELD, _S.IN_REVIEW, _S.SCREENED, _S.APPROVED),
            _T.GIVE_UP,
            _S.FAILING,
            "cancelled, rejected, or the approval has expired",
        ),
        Row((_S.APPROVED,), _T.MOVE, _S.MOVING, "the address is another user's of the tenant"),
        Row((_S.MOVING,), _T.STATE_MOVE, _S.DONE, "the engine has moved it to that account"),
        Row((_S.MOVING,), _T.REFUSE_MOVE, _S.FAILING, "the engine has refused to"),
        Row((_S.APPROVED,), _T.SIGN, _S.SIGNING, "the hot wallet has enough; the signer begins"),
        Row((_S.SIGNING,), _T.STATE_SIGNATURE, _S.SIGNED, "the raw bytes are kept"),
        Row(
            (_S.SIGNING,),
            _T.VOID,
            _S.FAILING,
            "the signer refuses it, and has noted that it never signs it",
        ),
        Row(
            (_S.SIGNED, _S.UNKNOWN),
            _T.SEND,
            _S.BROADCAST,
            "a node has taken it, or knew it already",
        ),
        Row(
            (_S.SIGNED, _S.BROADCAST),
            _T.LOSE_SIGHT,
            _S.UNKNOWN,
            "no response, or no node knows it: the same bytes are sent again",
        ),
        Row(
            (_S.SIGNED, _S.BROADCAST, _S.UNKNOWN),
            _T.INCLUDE,
            _S.CONFIRMING,
            "a block of the active chain has it",
        ),
        Row((_S.CONFIRMING,), _T.DROP, _S.UNKNOWN, "that block is no longer of the active chain"),
        Row((_S.CONFIRMING,), _T.PAY, _S.PAID, "enough blocks stand on it"),
        Row((_S.PAID,), _T.STATE_PAYMENT, _S.DONE, "the engine has captured the hold"),
        Row(
            (_S.DONE,),
            _T.FINISH,
            _S.FINAL,
            "so deep that it is no longer watched; until then a lost one is sent again",
        ),
        Row(
            (_S.CONFIRMING,),
            _T.FAIL,
            _S.FAILING,
            "it was reverted, so deep that it stays so: only its fee is spent",
        ),
        Row(
            (_S.UNKNOWN,),
            _T.FAIL,
            _S.FAILING,
            "enough blocks stand on another use of what it spends, and a person says so",
        ),
        Row((_S.FAILING,), _T.STATE_RELEASE, _S.FAILED, "the engine has released the hold"),
    )
)
WITHDRAWAL_ENDS: Final = frozenset({_S.FINAL, _S.FAILED, _S.REFUSED})
# What its user may still cancel.
CANCELLABLE: Final = frozenset({_S.HELD, _S.IN_REVIEW, _S.SCREENED, _S.APPROVED})
