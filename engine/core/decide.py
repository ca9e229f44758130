"""One command after the other: shape, identity, then the kind's own decision."""

from operator import mul

import cython

from engine.core.changing import amend, cancel, cancel_all, replace
from engine.core.countdown import cancel_all_after
from engine.core.funds import credit, debit, hold_funds, take_from_hold, transfer
from engine.core.hints import sum_of_block
from engine.core.index import find_id, remember_id
from engine.core.ledger import put_touched_markets
from engine.core.placing import place_order
from engine.core.records import (
    ACCOUNT_BITS,
    DIGEST_BLOCK_WORDS,
    DIGEST_MULTIPLIER,
    I_OUTCOME,
    S_DIGEST,
    S_DIGEST_LENGTH,
    S_DIGEST_SUM,
    S_HORIZON_MS,
    S_KEYS,
    S_RESULT_EVENT,
    S_SEQUENCE,
    S_TIME_MS,
    S_TOUCHED_MARKETS,
    TIME_BITS,
    WORD_MASK,
)
from engine.core.settings import (
    advance_time,
    define_asset,
    define_market,
    reject,
    set_account,
    set_fee_tier,
    set_market_limits,
    set_market_state,
    start_epoch,
)
from engine.core.store import Store, make_room
from wire.layout import (
    ACCOUNT_TENANT_SHIFT,
    COMMAND_ADVANCE_TIME,
    COMMAND_AMEND,
    COMMAND_CANCEL,
    COMMAND_CANCEL_ALL,
    COMMAND_CANCEL_ALL_AFTER,
    COMMAND_CAPTURE,
    COMMAND_CREDIT,
    COMMAND_DEBIT,
    COMMAND_DEFINE_ASSET,
    COMMAND_DEFINE_MARKET,
    COMMAND_EPOCH,
    COMMAND_HOLD,
    COMMAND_KIND_LAST,
    COMMAND_LENGTH,
    COMMAND_PLACE,
    COMMAND_REJECT,
    COMMAND_REPLACE,
    COMMAND_SET_ACCOUNT,
    COMMAND_SET_FEE_TIER,
    COMMAND_SET_MARKET_LIMITS,
    COMMAND_SET_MARKET_STATE,
    COMMAND_TRANSFER,
    FLAGS_BITS,
    FUNDS_HOLD_ID,
    HEADER_ACCOUNT,
    HEADER_ID_HIGH,
    HEADER_ID_LOW,
    HEADER_KIND,
    HEADER_TIME_MS,
    PLACE_FLAGS,
    REASON_COMMAND_TOO_OLD,
    REASON_DUPLICATE_COMMAND,
    REASON_MALFORMED_COMMAND,
    REASON_UNKNOWN_ACCOUNT,
    RESULT_ACCOUNT,
    RESULT_ID_HIGH,
    RESULT_ID_LOW,
    RESULT_INTAKE_MS,
    RESULT_LENGTH,
    RESULT_REASON_MASK,
    RESULT_REASON_SHIFT,
    RESULT_SEQUENCE,
    RESULT_SUBJECT,
)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def first_unused_word(kind: cython.longlong) -> cython.longlong:
    """Return the first word that a kind of command must leave 0; 0 for an unknown kind."""
    if kind < COMMAND_PLACE or kind > COMMAND_KIND_LAST:
        return 0
    if kind == COMMAND_AMEND or kind == COMMAND_REPLACE:
        return 12
    return first_unused_word_of_rare(kind)


@cython.cfunc
@cython.exceptval(check=False)
def first_unused_word_of_rare(kind: cython.longlong) -> cython.longlong:
    """Return it for kinds that are not about one order."""
    if kind == COMMAND_CANCEL_ALL or kind == COMMAND_CREDIT or kind == COMMAND_DEBIT:
        return 7
    if kind == COMMAND_CANCEL_ALL_AFTER or kind == COMMAND_REJECT:
        return 6
    if kind == COMMAND_DEFINE_ASSET:
        return 10
    if kind == COMMAND_DEFINE_MARKET:
        return 14
    if kind == COMMAND_SET_MARKET_LIMITS:
        return 13
    if kind == COMMAND_SET_FEE_TIER:
        return 9
    return 5 if kind == COMMAND_ADVANCE_TIME else 8


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def has_account(kind: cython.longlong) -> cython.bint:
    """Whether a kind of command is about an account."""
    return kind <= COMMAND_TRANSFER or kind == COMMAND_SET_ACCOUNT


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_shape(command: cython.p_longlong) -> cython.longlong:
    """Return REASON_MALFORMED_COMMAND for what no intake would write, whatever the state, or 0."""
    kind, account = command[HEADER_KIND], command[HEADER_ACCOUNT]
    # What must be 0; a negative number shifted is not 0 either.
    excess = command[HEADER_TIME_MS] >> TIME_BITS | account >> ACCOUNT_BITS
    if kind == COMMAND_PLACE:
        # The two most frequent are spelt out.
        excess |= command[13] | command[14] | command[15] | command[PLACE_FLAGS] >> FLAGS_BITS
        return REASON_MALFORMED_COMMAND if excess else 0
    if kind == COMMAND_CANCEL:
        excess |= command[8] | command[9] | command[10] | command[11]
        excess |= command[12] | command[13] | command[14] | command[15]
        return REASON_MALFORMED_COMMAND if excess else 0
    unused = first_unused_word(kind)
    if not unused:
        return REASON_MALFORMED_COMMAND
    while unused < COMMAND_LENGTH:
        excess |= command[unused]
        unused += 1
    if excess:
        return REASON_MALFORMED_COMMAND
    if account and not has_account(kind) and kind != COMMAND_REJECT:
        return REASON_MALFORMED_COMMAND
    takes_hold_id: cython.bint = COMMAND_HOLD <= kind <= COMMAND_CAPTURE
    if takes_hold_id and command[FUNDS_HOLD_ID] <= 0:
        return REASON_MALFORMED_COMMAND
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_identity(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Return why a command has been decided before, or may have been, or 0."""
    m = s.m
    high, low = command[HEADER_ID_HIGH], command[HEADER_ID_LOW]
    known = find_id(s, high, low)
    if known:
        s.out[s.started + RESULT_SUBJECT] = m[known + I_OUTCOME]
        return REASON_DUPLICATE_COMMAND
    return REASON_COMMAND_TOO_OLD if command[HEADER_TIME_MS] <= m[S_HORIZON_MS] else 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def refuse_owner(command: cython.p_longlong) -> cython.longlong:
    """Return REASON_UNKNOWN_ACCOUNT for a command about an account that names none, or 0."""
    if not command[HEADER_ACCOUNT] >> ACCOUNT_TENANT_SHIFT and has_account(command[HEADER_KIND]):
        return REASON_UNKNOWN_ACCOUNT
    return 0


@cython.cfunc
@cython.inline
def execute(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Let a well-formed command take effect; return the reason of its refusal, or 0."""
    kind = command[HEADER_KIND]
    if kind == COMMAND_PLACE:
        return place_order(s, command)
    if kind == COMMAND_CANCEL:
        return cancel(s, command)
    if kind == COMMAND_CANCEL_ALL:
        return cancel_all(s, command)
    if kind == COMMAND_AMEND:
        return amend(s, command)
    if kind == COMMAND_REPLACE:
        return replace(s, command)
    if kind == COMMAND_CANCEL_ALL_AFTER:
        return cancel_all_after(s, command)
    if kind <= COMMAND_TRANSFER:
        return execute_funds(s, command)
    return execute_settings(s, command)


@cython.cfunc
def execute_funds(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Let a command about money take effect."""
    kind = command[HEADER_KIND]
    if kind == COMMAND_CREDIT:
        return credit(s, command)
    if kind == COMMAND_DEBIT:
        return debit(s, command)
    if kind == COMMAND_HOLD:
        return hold_funds(s, command)
    if kind == COMMAND_TRANSFER:
        return transfer(s, command)
    return take_from_hold(s, command, kind == COMMAND_CAPTURE)


@cython.cfunc
def execute_settings(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Let a command about the shard, a market or an account's settings take effect."""
    kind = command[HEADER_KIND]
    if kind == COMMAND_DEFINE_ASSET:
        return define_asset(s, command)
    if kind == COMMAND_DEFINE_MARKET:
        return define_market(s, command)
    if kind == COMMAND_SET_MARKET_LIMITS:
        return set_market_limits(s, command)
    if kind == COMMAND_SET_MARKET_STATE:
        return set_market_state(s, command)
    if kind == COMMAND_SET_FEE_TIER:
        return set_fee_tier(s, command)
    if kind == COMMAND_SET_ACCOUNT:
        return set_account(s, command)
    if kind == COMMAND_ADVANCE_TIME:
        return advance_time(s, command)
    if kind == COMMAND_EPOCH:
        return start_epoch(s, command)
    return reject(command)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def put_result(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Begin a command's output with its result; what it comes to is filled in as it is found."""
    m, out, start = s.m, s.out, s.end
    s.started = start
    s.end = start + RESULT_LENGTH
    kind = command[HEADER_KIND]
    if kind < 0 or kind > COMMAND_KIND_LAST:
        kind = 0
    out[start] = m[S_RESULT_EVENT] | kind
    out[start + RESULT_SEQUENCE] = m[S_SEQUENCE]
    out[start + RESULT_ID_HIGH] = command[HEADER_ID_HIGH]
    out[start + RESULT_ID_LOW] = command[HEADER_ID_LOW]
    out[start + RESULT_ACCOUNT] = command[HEADER_ACCOUNT]
    out[start + RESULT_SUBJECT] = 0
    out[start + RESULT_INTAKE_MS] = command[HEADER_TIME_MS]
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def remember(s: Store, command: cython.p_longlong, reason: cython.longlong) -> cython.longlong:
    """Remember a decided command by its id."""
    m = s.m
    if REASON_MALFORMED_COMMAND <= reason <= REASON_COMMAND_TOO_OLD:
        return 0
    stamp_ms = command[HEADER_TIME_MS]
    if stamp_ms < m[S_TIME_MS]:
        stamp_ms = m[S_TIME_MS]
    outcome = -reason if reason else s.out[s.started + RESULT_SUBJECT]
    if command[HEADER_KIND] == COMMAND_CANCEL_ALL and not reason:
        # How many orders it closed is no order.
        outcome = 0
    return remember_id(s, command[HEADER_ID_HIGH], command[HEADER_ID_LOW], outcome, stamp_ms)


@cython.cfunc
@cython.inline
def finish(s: Store, command: cython.p_longlong, reason: cython.longlong) -> cython.longlong:
    """Complete what a decided command states, and remember it."""
    if reason:
        others = ~(RESULT_REASON_MASK << RESULT_REASON_SHIFT)
        s.out[s.started] = s.out[s.started] & others | reason << RESULT_REASON_SHIFT
    if command[HEADER_ID_HIGH] | command[HEADER_ID_LOW]:
        remember(s, command, reason)
    if s.m[S_TOUCHED_MARKETS]:
        put_touched_markets(s)
    return 0


@cython.cfunc
@cython.inline
def decide(s: Store, command: cython.p_longlong) -> cython.longlong:
    """Decide one command: a result first, then the facts that it has caused."""
    make_room(s)
    s.m[S_SEQUENCE] += 1
    put_result(s, command)
    reason = refuse_shape(command)
    if not reason and command[HEADER_ID_HIGH] | command[HEADER_ID_LOW]:
        reason = refuse_identity(s, command)
    if not reason:
        reason = refuse_owner(command)
    if not reason:
        reason = execute(s, command)
    return finish(s, command, reason)


# --- digest: ``engine.digest``, word for word -----------------------------------------------------


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def sum_of_products(
    s: Store, position: cython.longlong, keys: cython.longlong, count: cython.longlong
) -> cython.ulonglong:
    """Return the sum of so many words of output, each times its key."""
    m, out = s.m, s.out
    total: cython.ulonglong = 0
    if not cython.compiled:
        total = sum(map(mul, out[position : position + count], m[keys : keys + count]))
    elif count == DIGEST_BLOCK_WORDS:
        total = sum_of_block(out + position)
    else:
        for index in range(count):
            word: cython.ulonglong = out[position + index]
            total += word * m[keys + index]
    return total


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def mix(
    digest: cython.ulonglong, total: cython.ulonglong, length: cython.longlong
) -> cython.ulonglong:
    """Return the digest with a block's sum and length."""
    mixed: cython.ulonglong = ((digest ^ total) * DIGEST_MULTIPLIER + length) & WORD_MASK
    return mixed ^ mixed >> 32


@cython.cfunc
@cython.exceptval(check=False)
def fold_digest(s: Store) -> cython.longlong:
    """Fold the batch's output into the digest."""
    m, end = s.m, s.end
    position = fold_part(s, 0, min(end, DIGEST_BLOCK_WORDS - m[S_DIGEST_LENGTH]))
    digest: cython.ulonglong = m[S_DIGEST] & WORD_MASK
    while end - position >= DIGEST_BLOCK_WORDS:
        total = sum_of_products(s, position, S_KEYS, DIGEST_BLOCK_WORDS) & WORD_MASK
        digest = mix(digest, total, DIGEST_BLOCK_WORDS)
        position += DIGEST_BLOCK_WORDS
    m[S_DIGEST] = signed(digest)
    fold_part(s, position, end - position)
    return 0


@cython.cfunc
@cython.exceptval(check=False)
def fold_part(s: Store, position: cython.longlong, count: cython.longlong) -> cython.longlong:
    """Fold words that fit the block which is not full yet; return the position after them."""
    m = s.m
    length = m[S_DIGEST_LENGTH]
    total = sum_of_products(s, position, S_KEYS + length, count)
    m[S_DIGEST_SUM] = signed(m[S_DIGEST_SUM] + total & WORD_MASK)
    m[S_DIGEST_LENGTH] = length + count
    if length + count == DIGEST_BLOCK_WORDS:
        m[S_DIGEST] = signed(digest_now(s))
        m[S_DIGEST_SUM] = 0
        m[S_DIGEST_LENGTH] = 0
    return position + count


@cython.cfunc
@cython.exceptval(check=False)
def digest_now(s: Store) -> cython.ulonglong:
    """Return the digest with the block that is not full yet."""
    m = s.m
    if not m[S_DIGEST_LENGTH]:
        return m[S_DIGEST] & WORD_MASK
    return mix(m[S_DIGEST] & WORD_MASK, m[S_DIGEST_SUM] & WORD_MASK, m[S_DIGEST_LENGTH])


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def signed(word: cython.ulonglong) -> cython.longlong:
    """Return the signed word with the same bits."""
    if cython.compiled:
        return cython.cast(cython.longlong, word)
    return word - (word >> 63 << 64)
