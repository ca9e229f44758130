"""The map of the engine's memory: one array of 64-bit words, records named by field offsets.

A reference to a record is its word offset, so ``m[order + O_PRICE]`` reads a field and 0 is
"none". Fixed regions come first; those sized by capacity follow (``store``). See engine/README.md
for the picture. Like ``wire.layout`` this module holds integers only; they become C constants.
"""

# --- state of the shard: single words -------------------------------------------------------------
# The first 32 words stay 0: a record at 0, "none", reads as an empty one.

S_SEQUENCE = 32
S_TIME_MS = 33
S_TRADE_ID = 34
S_DIGEST = 35  # of the full blocks; the sum and length of the block that is not full yet
S_DIGEST_SUM = 36
S_DIGEST_LENGTH = 37
S_HORIZON_MS = 38
S_EPOCH = 39  # epoch, worker high, worker low
S_REJECTIONS_MS = 42  # as A_REJECTIONS_MS, of all accounts that do not exist
S_SAVED_WORDS = 11  # from the sequence to here, in a checkpoint
S_RESULT_EVENT = 44  # first word of the next result, without the kind of command
S_TRIGGERED_HEAD = 48  # queue of triggered stops, linked by O_NEXT
S_TRIGGERED_TAIL = 49
S_RELEASED_HEAD = 53  # queue of first exits whose entry has ended, linked alike
S_RELEASED_TAIL = 43
S_TOUCHED_MARKETS = 50  # a count
S_STAGED_COUNT = 51
S_STAGED_SEQUENCE = 52  # of the last command that was staged
S_AWAITING = 87  # how many exits wait for their entry
S_ORDER_COUNT = 54
S_ACCOUNT_COUNT = 55
S_BALANCE_COUNT = 56
S_HOLD_COUNT = 57
S_ASSET_COUNT = 58
S_MARKET_COUNT = 59
S_EXPIRY_COUNT = 60
S_COUNTDOWN_COUNT = 61
S_ID_COUNT = 62
S_ID_NEXT = 63
S_AUCTION_COUNT = 74  # of auctions that end by themselves
S_ORDERS_WATCH = 75  # with fewer orders than this no tenant has more than it may
S_HEAP_END = 64  # new records begin here
S_ORDER_FREE = 65  # heads of the lists of freed records
S_CONDITIONS_FREE = 66
S_LEVEL_FREE = 67
S_NODE_FREE = 68
S_HOLD_FREE = 69
S_ACCOUNT_HEAD = 70  # accounts and balances in the order of their creation
S_ACCOUNT_TAIL = 71
S_BALANCE_HEAD = 72
S_BALANCE_TAIL = 73
S_VIOLATION = 76  # which rules have been seen broken
VIOLATION_NEGATIVE = 1
VIOLATION_LEVEL = 2
VIOLATION_CROSSED = 4
VIOLATION_HELD = 8
S_TAKER_DEBIT = 80  # of the trades of the order being matched, until its settlement
S_TAKER_CREDIT = 81
S_TAKER_FEE = 82  # of the credit
S_MAKER_FEES = 83  # to the fee account, in the asset that the taker pays
S_MAKER_REBATES = 84  # and out of it, in the one that the taker receives
S_NEED = 47  # what a market buy still needs after a level (``order_checks.lots_met``)
S_OWN_LOTS = 85  # of the trades of an owner with itself
S_OWN_VALUE = 86
S_CHOICE_PRICE = 77  # the best price of an auction found so far
S_CHOICE_QUANTITY = 78
S_CHOICE_IMBALANCE = 79
S_KEYS = 88  # the digest's 64 keys
S_PREFETCHED = 152  # a ring: what prefetching has found for the next commands
S_PLACED_LAST = 46  # the last order in the index of placed ones; later ones are remembered
S_REJECTION_MS = 45  # how much of a share a rejection takes, as time
S_PREFETCH_INDEX = 168  # the index to search for a command about an order, and for a PLACE
S_PREFETCH_MASK = 170
S_PREFETCH_KEY = 172
S_PREFETCH_SHIFT = 174
S_COMMAND_WORDS_USED = 176  # by kind
S_STAGED = 208  # STAGED_MAX commands
S_END = 240

# --- assets ---------------------------------------------------------------------------------------

ASSETS = S_END
ASSET_TENANT = 0  # 0 = not defined
ASSET_SCALE = 1
ASSET_SYMBOL_HIGH = 2
ASSET_SYMBOL_LOW = 3
ASSET_SUPPLY = 4  # deposits minus withdrawals
ASSET_DRIFT = 5  # what balances have gained beyond the supply: always 0
ASSET_WORDS = 8
ASSET_SAVED_WORDS = 5  # in a checkpoint: all but what is derived
ASSET_LIST = ASSETS + 65536 * ASSET_WORDS  # numbers, in order of definition

# --- tenants --------------------------------------------------------------------------------------

TENANTS = ASSET_LIST + 65536  # offsets of records: 16 tiers each; 0 = nothing defined
TIER_MAKER_PPM = 0
TIER_TAKER_PPM = 1
TIER_SET = 2
TIER_WORDS = 3
TENANT_ORDERS_PER_MARKET = 48  # its limits in the order of their command; 0 = none
TENANT_ORDERS = 49
TENANT_HOLDS = 50
TENANT_WORDS = 56

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
M_LEAST_VALUE = 16
M_AUCTION_MS = 17
M_LAST_PRICE = 18
M_REFERENCE_PRICE = 19
M_REFERENCE_UNTIL_MS = 20
M_INDICATIVE_PRICE = 21
M_INDICATIVE_QUANTITY = 22
M_WINDOW_QUANTITY = 23  # lots and quote units traded since the reference was set
M_WINDOW_VALUE = 24
M_AUCTION_UNTIL_MS = 25  # of an auction that the breaker started; 0 = none
M_AUCTIONS_MS = 26  # when none of its auctions counts any more (``breaker.may_start_auction``)
M_CONFIRMED_PRICE = 27  # the last one that trades of the least value stand behind
M_UNCONFIRMED_QUANTITY = 28  # lots and quote units traded since
M_UNCONFIRMED_VALUE = 29
M_ONE_BY_ONE_UNTIL_MS = 30  # until when stops are taken so; 0 = none has been stopped
MARKET_SAVED_WORDS = 31  # in a checkpoint: those above; those below are derived
M_QUANTITY_BOUND = 31  # the limits as they apply
M_PRICE_BOUND = 32
M_MARKET_BAND_PPM = 33  # how far market orders may trade: their collar, or else limit orders'
M_LEAST_TRADED = 34
M_FEE_BASE = 35  # the fee account's balances
M_FEE_QUOTE = 36
M_TOUCHED = 37
M_ORDER_EVENT = 38  # first words of its events, without flags or side
M_TRADE_EVENT = 39
M_ORDERS_PER_MARKET = 40  # how many open orders an account may have here; 0 = as many as fit
M_TRAILING_COUNT = 41  # of trailing stops that wait
M_TRAILING = 42  # the levels of buys, and of sells, that trail: heaps (``melds``)
M_AWAITING = 44  # how many exits wait for their entry
M_BOOKS = 48  # bids, asks; of buys and sells: stops, activations, trailing by ticks, by ppm
MARKET_BOOKS = 10
HIGHEST_FIRST = 0b01_01_01_10_01  # a bit for each book, bids last
MARKET_WORDS = 128
MARKET_LIST = MARKETS + 65536  # offsets of those defined, by number
NO_MARKET = MARKET_LIST + 65536  # taken for a market that is not defined; all zeros
PLAIN_FLAGS = NO_MARKET + MARKET_WORDS  # 1 for the flags of plain limit orders
FIXED_WORDS = PLAIN_FLAGS + 16384

# A book is one side: price levels, linked by price, found through a 64-way trie.
B_ROOT = 0
B_SHIFT = 1  # of the root's digit: 6 x (height - 1)
B_HIGHEST = 2
B_LOWEST = 3
B_BEST = 4
B_BEST_IS_HIGHEST = 5
B_LEVEL_EVENT = 6  # the word that names its levels in events, without the price; 0 for stops
B_ORDER_COUNT = 7
BOOK_WORDS = 8
BOOK_STOPS = 16  # from a side's book to its stops
BOOK_ACTIVATIONS = 32  # to its trailing stops that wait for their activation price
BOOK_TICKS = 48  # to what trails by ticks
BOOK_PPM = 16  # and from there to what trails by ppm

# --- records cut from the heap as they are needed -------------------------------------------------

# Orders are in two rings, that of their level and that of their account; the level and the
# account are links of them too, with the same offsets, so that no end needs a second look.
O_ID = 0
O_BALANCE = 1  # what it pays from; the balance knows its account
O_FLAGS = 2  # as its event's first word has them: kind, market, flags
O_LEVEL = 3  # 0 while it is in no book
O_NEXT = 4  # behind it in its level; also the free list and the queue of triggered stops
O_PREVIOUS = 5
O_VISIBLE = 6
O_REMAINING = 7
O_PRICE = 8
O_QUANTITY = 9
O_FILLED_QUOTE = 10
O_ID_HIGH = 11
O_ID_LOW = 12
O_CONDITIONS = 13  # 0 for a plain order
O_ACCOUNT_NEXT = 14
O_ACCOUNT_PREVIOUS = 15
ORDER_WORDS = 16
STATUS_BITS = (1 << 25) - (1 << 16)  # status and close reason, of the flags

# What waits in a heap has these fields at the same offsets: conditions and accounts (``heap``).
HEAP_NUMBER = 0
HEAP_POSITION = 3  # from 1; 0 = in no heap
HEAP_DUE_MS = 6

COND_ORDER_ID = 0  # HEAP_NUMBER; also the free list. It and the order are written when it expires
COND_ORDER = 1
COND_BUDGET = 2  # quote units that a market buy by quote amount may still spend
COND_HEAP_POSITION = 3
COND_FIRST = 4  # of CONDITIONS_COUNT and TRAIL_COUNT words; a PLACE command has all but the last
COND_TRIGGER_PRICE = 4
COND_DISPLAY_QUANTITY = 5
COND_EXPIRE_MS = 6  # HEAP_DUE_MS
COND_QUOTE_AMOUNT = 7
COND_TRAIL = 8
COND_LIMIT_OFFSET = 9
COND_ACTIVATION_PRICE = 10
COND_EXTREME = 11  # 0 before it trails; while it is in a level, that level's price
MELD_LEFT = 12  # conditions and levels have these at the same offsets (``melds``)
MELD_RIGHT = 13
MELD_PARENT = 14
# For a plain order these are three of the first 32 words of all, which stay 0.
COND_LIST_ID = 16  # the list that the order belongs to
COND_OTHER = 17  # the one that it cancels and that cancels it, as long as both wait
COND_EXIT = 18  # of an entry, the first of its exits; that one's other is the second
CONDITIONS_WORDS = 24

L_PRICE = 0
L_VISIBLE = 1
L_TOTAL = 2
L_EMITTED = 3  # where it was last emitted, in words put out since the start
L_HEAD = 4  # O_NEXT
L_TAIL = 5  # O_PREVIOUS
L_EVENT = 6  # the word that names it in its events; 0 for stops: they are not shown
L_BOOK = 7
L_NODE = 8
L_LOWER = 9  # also the free list
L_HIGHER = 10
L_OWN = 11  # lots of the account that a book is measured for, while it is (``liquidity``)
L_TRAIL_ROOT = 11  # of orders that trail: the first to trigger; MELD_LEFT and so on follow
L_TRIGGER = 15  # its trigger price
LEVEL_WORDS = 16

N_CHILDREN = 0
N_BITS = 64  # two words of 32 bits: which children there are
N_PARENT = 66
N_DIGIT = 67  # its digit in its parent
NODE_WORDS = 72
NODE_DIGIT_BITS = 6
NODE_DIGIT_MASK = 63

A_NUMBER = 0  # HEAP_NUMBER
A_FEES = 1  # offset of its tier's fees
A_ASSET_NEW = 2  # the two balances used last, so that most look-ups end here
A_HEAP_POSITION = 3
A_ASSET_OLD = 4
A_BALANCE_OLD = 5
A_DEADLINE_MS = 6  # HEAP_DUE_MS; 0 = disarmed
A_BALANCE_NEW = 7
A_STATE = 8
A_REJECTIONS_MS = 9  # when none of its rejections counts any more (``index.take_share``)
A_GROUP = 10
A_HOLD_HEAD = 11
A_HOLD_TAIL = 12
A_NEXT = 13
A_ORDER_HEAD = 14  # O_ACCOUNT_NEXT
A_ORDER_TAIL = 15  # O_ACCOUNT_PREVIOUS
ACCOUNT_WORDS = 16

BAL_ACCOUNT = 0
BAL_EVENT = 1  # as its event's first word has it: kind, asset
BAL_AVAILABLE = 2
BAL_HELD = 3
BAL_EMITTED = 4  # where it was last emitted, in words put out since the start
BAL_NUMBER = 5  # its account's number
BAL_NEXT = 6  # the next one's offset; below it, how many open orders pay from this one
BAL_ASSET = 7  # its asset
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

BALANCE_ORDERS_BITS = 28  # of BAL_NEXT
BALANCE_ORDERS_MASK = (1 << 28) - 1

HEAD_CAPACITIES = 5  # capacities at the start of a checkpoint's head

# --- bounds of the layout as numbers of bits ------------------------------------------------------

TIME_BITS = 46  # TIME_MS_MAX
ACCOUNT_BITS = 48  # TENANT_MAX << ACCOUNT_TENANT_SHIFT | ACCOUNT_INDEX_MAX

FEE_SIMPLE_BITS = 46  # 2^46 x FEE_PPM_MAX fits a word

# --- indexes --------------------------------------------------------------------------------------

HASH_MULTIPLIER = 0x9E3779B97F4A7C15
WORD_MASK = (1 << 64) - 1
INDEX_MULTIPLIER = 0x278DDE7 << 5  # 2^26 / the golden ratio; a group has 32 positions
INDEX_FOLD_BITS = 24  # so that tenants, above, scatter too
ORDER_INDEX_ID_BITS = 30
ORDER_INDEX_ID_MASK = (1 << 30) - 1
INDEX_GROUP_BITS = 4  # neighbours in number are neighbours in memory
INDEX_GROUP_MASK = 15
# How many commands ahead each stage of prefetching is (``prefetch``).
PREFETCH_COMMANDS = 20
PREFETCH_INDEXES = 12
PREFETCH_RECORDS = 6
PREFETCH_NEIGHBOURS = 3
PREFETCH_MASK = 15
PREFETCH_FROM_RECORDS = 16_384  # orders and accounts; fewer stay in a processor's second cache

ID_FINGERPRINT_BITS = 32
ID_FINGERPRINT_MASK = (1 << 32) - 1
PLACED_FINGERPRINT_BITS = 30  # beside an order's offset
PLACED_FINGERPRINT_MASK = (1 << 30) - 1

# --- digest and output ----------------------------------------------------------------------------

DIGEST_BLOCK_WORDS = 64
DIGEST_MULTIPLIER = 0x9E3779B97F4A7C15
LINE_WORDS = 8  # of a processor's cache
HEAP_ALIGNMENT_WORDS = 2 * LINE_WORDS
HEAP_GROWTH_WORDS = 1 << 16  # of the interpreted engine's
OUTPUT_WORDS = 64  # that most commands put out at most
OUTPUT_MARGIN_WORDS = 256  # what may be put between two checks for room
