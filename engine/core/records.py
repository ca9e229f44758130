"""The map of the engine's memory: one array of 64-bit words, records named by field offsets.

A reference to a record is its word offset, so ``m[order + O_PRICE]`` reads a field and 0 is
"none". Fixed regions come first; those sized by capacity follow (``store``). See engine/README.md
for the picture. Like ``wire.layout`` this module holds integers only; they become C constants.
"""

# --- state of the shard: single words -------------------------------------------------------------

S_SEQUENCE = 8
S_TIME_MS = 9
S_TRADE_ID = 10
S_DIGEST = 11  # of the full blocks; the sum and length of the block that is not full yet
S_DIGEST_SUM = 12
S_DIGEST_LENGTH = 13
S_HORIZON_MS = 14
S_EPOCH = 15  # epoch, worker high, worker low
S_RESULT_EVENT = 20  # first word of the next result, without the kind of command
S_FIRED_HEAD = 24  # queue of fired stops, linked by O_NEXT
S_FIRED_TAIL = 25
S_TOUCHED_MARKETS = 26  # a count
S_ORDER_COUNT = 30
S_ACCOUNT_COUNT = 31
S_BALANCE_COUNT = 32
S_HOLD_COUNT = 33
S_ASSET_COUNT = 34
S_MARKET_COUNT = 35
S_EXPIRY_COUNT = 36
S_COUNTDOWN_COUNT = 37
S_ID_COUNT = 38
S_ID_NEXT = 39
S_HEAP_END = 40  # new records begin here
S_ORDER_FREE = 41  # heads of the lists of freed records
S_RARE_FREE = 42
S_LEVEL_FREE = 43
S_NODE_FREE = 44
S_HOLD_FREE = 45
S_ACCOUNT_HEAD = 46  # accounts and balances in the order in which they came to be
S_ACCOUNT_TAIL = 47
S_BALANCE_HEAD = 48
S_BALANCE_TAIL = 49
S_VIOLATION = 52  # which rules have been seen broken
VIOLATION_NEGATIVE = 1
VIOLATION_LEVEL = 2
VIOLATION_CROSSED = 4
VIOLATION_HELD = 8
S_TAKER_PAYS = 56  # in the trades of the order being matched, until they are settled
S_TAKER_GETS = 57
S_FEES_PAID = 58  # to the fee account, in the asset the taker pays
S_FEES_GOT = 59  # and in the one it gets
S_CHOICE_PRICE = 53  # the best price of an auction found so far
S_CHOICE_QUANTITY = 54
S_CHOICE_IMBALANCE = 55
S_KEYS = 64  # the digest's 64 keys
S_AHEAD = 128  # a ring: what looking ahead has found for the next commands
S_LOOK_INDEX = 144  # what to look through for a command about an order, and for a PLACE
S_LOOK_MASK = 146
S_LOOK_KEY = 148
S_LOOK_SHIFT = 150
S_END = 152

# --- assets ---------------------------------------------------------------------------------------

ASSETS = S_END
COIN_TENANT = 0  # 0 = not defined
COIN_SCALE = 1
COIN_SYMBOL_HIGH = 2
COIN_SYMBOL_LOW = 3
COIN_SUPPLY = 4  # deposits minus withdrawals
COIN_DRIFT = 5  # what balances have gained beyond the supply: always 0
COIN_WORDS = 8
ASSET_LIST = ASSETS + 65536 * COIN_WORDS  # numbers, in order of definition

# --- tenants --------------------------------------------------------------------------------------

TENANTS = ASSET_LIST + 65536  # offsets of records: 16 tiers each; 0 = nothing defined
TIER_MAKER_PPM = 0
TIER_TAKER_PPM = 1
TIER_SET = 2
TIER_WORDS = 3
TENANT_WORDS = 48

# --- markets --------------------------------------------------------------------------------------

MARKETS = TENANTS + 65536  # offsets of records; 0 = not defined
M_NUMBER = 0  # 0 = not defined; the definition's words in its order
M_TENANT = 1
M_BASE = 2
M_QUOTE = 3
M_LOT_UNITS = 4
M_TICK_UNITS = 5
M_STATE = 6
M_SYMBOL_HIGH = 7
M_SYMBOL_LOW = 8
M_MIN_NOTIONAL = 9  # the limits' words in their order
M_MAX_QUANTITY = 10
M_MAX_PRICE = 11
M_COLLAR_PPM = 12
M_MARKET_COLLAR_PPM = 13
M_BREAKER_PPM = 14
M_REFERENCE_INTERVAL_MS = 15
M_LAST_PRICE = 16
M_REFERENCE_PRICE = 17
M_REFERENCE_UNTIL_MS = 18
M_INDICATIVE_PRICE = 19
M_INDICATIVE_QUANTITY = 20
M_QUANTITY_BOUND = 21  # the limits as they apply
M_PRICE_BOUND = 22
M_FEE_BASE = 23  # the fee account's balances
M_FEE_QUOTE = 24
M_TOUCHED = 25
M_ORDER_EVENT = 26  # first words of its events, without terms or side
M_TRADE_EVENT = 27
M_BOOKS = 32  # four books: bids, asks, buy stops, sell stops
MARKET_WORDS = 64
MARKET_LIST = MARKETS + 65536  # offsets of those defined, by number
NO_MARKET = MARKET_LIST + 65536  # stands for a market that is not defined; all zeros
ORDINARY_TERMS = NO_MARKET + MARKET_WORDS  # 1 for terms that need no further look
FIXED_WORDS = ORDINARY_TERMS + 8192

# A book is one side: price levels, linked by price, found through a 64-way trie.
B_ROOT = 0
B_SHIFT = 1  # of the root's digit: 6 x (height - 1)
B_HIGHEST = 2
B_LOWEST = 3
B_BEST = 4
B_BEST_IS_HIGHEST = 5
B_NUMBER = 6  # of its market
B_SIDE = 7  # 0 for stops
BOOK_WORDS = 8
BOOK_STOPS = 16  # from a side's book to its stops

# --- records cut from the heap as they are needed -------------------------------------------------

# Orders stand in two rings, that of their level and that of their account; the level and the
# account are links of them too, with the same offsets, so that no end needs a second look.
O_ID = 0
O_BALANCE = 1  # what it pays from; the balance knows its account
O_TERMS = 2  # as its event's first word has them: kind, market, terms
O_LEVEL = 3  # 0 while it is in no book
O_NEXT = 4  # behind it in its level; also the free list and the queue of fired stops
O_PREVIOUS = 5
O_VISIBLE = 6
O_REMAINING = 7
O_PRICE = 8
O_QUANTITY = 9
O_FILLED_QUOTE = 10
O_ID_HIGH = 11
O_ID_LOW = 12
O_RARE = 13  # 0 for a plain order
O_ACCOUNT_NEXT = 14
O_ACCOUNT_PREVIOUS = 15
ORDER_WORDS = 16
STATUS_BITS = (1 << 25) - (1 << 16)  # status and close reason, of the terms
FILL_IMPOSSIBLE = -(1 << 62)

X_TRIGGER_PRICE = 0
X_DISPLAY_QUANTITY = 1
X_EXPIRE_MS = 2
X_QUOTE_AMOUNT = 3
X_BUDGET = 4  # quote units that a market buy by quote amount may still spend
X_HEAP = 5  # place in the heap of expiries, from 1; 0 = not in it
RARE_WORDS = 8

L_PRICE = 0
L_VISIBLE = 1
L_TOTAL = 2
L_STATED = 3  # where it was last stated, in words put out since the start
L_HEAD = 4  # O_NEXT
L_TAIL = 5  # O_PREVIOUS
L_EVENT = 6  # the word that names it in its events; 0 for stops: they are not shown
L_BOOK = 7
L_NODE = 8
L_LOWER = 9  # also the free list
L_HIGHER = 10
LEVEL_WORDS = 16

N_CHILDREN = 0
N_BITS = 64  # two words of 32 bits: which children there are
N_PARENT = 66
N_DIGIT = 67  # its place in its parent
NODE_WORDS = 72
NODE_DIGIT_BITS = 6
NODE_DIGIT_MASK = 63

A_NUMBER = 0
A_FEES = 1  # offset of its tier's fees
A_STATE = 2
A_ASSET_NEW = 3  # the two balances used last, so that most look-ups end here
A_BALANCE_NEW = 4
A_ASSET_OLD = 5
A_BALANCE_OLD = 6
A_TIER = 7
A_GROUP = 8
A_HOLD_HEAD = 9
A_HOLD_TAIL = 10
A_DEADLINE_MS = 11
A_HEAP = 12
A_NEXT = 13
A_ORDER_HEAD = 14  # O_ACCOUNT_NEXT
A_ORDER_TAIL = 15  # O_ACCOUNT_PREVIOUS
ACCOUNT_WORDS = 16

BAL_ACCOUNT = 0
BAL_EVENT = 1  # as its event's first word has it: kind, asset
BAL_AVAILABLE = 2
BAL_HELD = 3
BAL_STATED = 4  # where it was last stated, in words put out since the start
BAL_NUMBER = 5  # its account's number
BAL_NEXT = 6
BAL_COIN = 7  # its asset
BALANCE_WORDS = 8

H_ID = 0
H_ACCOUNT = 1
H_ASSET = 2
H_AMOUNT = 3
H_NEXT = 4
H_PREVIOUS = 5
HOLD_WORDS = 8

I_HIGH = 0
I_LOW = 1
I_OUTCOME = 2
I_STAMP_MS = 3
ID_WORDS = 4

# --- bounds of the layout as numbers of bits ------------------------------------------------------

TIME_BITS = 48  # TIME_MS_MAX
ACCOUNT_BITS = 48  # TENANT_MAX << ACCOUNT_TENANT_SHIFT | ACCOUNT_INDEX_MAX

FEE_SIMPLE_BITS = 46  # 2^46 x FEE_PPM_MAX fits a word

# --- indexes --------------------------------------------------------------------------------------

HASH_MULTIPLIER = 0x9E3779B97F4A7C15
WORD_MASK = (1 << 64) - 1
INDEX_MULTIPLIER = 0x278DDE7 << 5  # 2^26 / the golden ratio; a group has 32 places
INDEX_FOLD_BITS = 24  # so that tenants, above, scatter too
ORDER_INDEX_ID_BITS = 30
ORDER_INDEX_ID_MASK = (1 << 30) - 1
INDEX_GROUP_BITS = 4  # neighbours in number are neighbours in memory
INDEX_GROUP_MASK = 15
# How many commands ahead each stage of looking ahead is (``ahead``).
AHEAD_COMMANDS = 20
AHEAD_INDEXES = 12
AHEAD_RECORDS = 6
AHEAD_NEIGHBOURS = 3
AHEAD_MASK = 15
AHEAD_FROM_RECORDS = 16_384  # orders and accounts; fewer stay in a processor's second cache

ID_FINGERPRINT_BITS = 32
ID_FINGERPRINT_MASK = (1 << 32) - 1

# --- digest and output ----------------------------------------------------------------------------

DIGEST_BLOCK_WORDS = 64
DIGEST_MULTIPLIER = 0x9E3779B97F4A7C15
LINE_WORDS = 8  # of a processor's cache
HEAP_ALIGNMENT_WORDS = 2 * LINE_WORDS
HEAP_GROWTH_WORDS = 1 << 16  # of the interpreted engine's
OUTPUT_WORDS = 64  # that most commands put out at most
OUTPUT_MARGIN_WORDS = 256  # what may be put between two checks for room
