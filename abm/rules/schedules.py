"""What collateral counts for under a schedule, and what a call may move; compiled.

`prices` and quantities are of shape (tokens,), in money units and counts; `a` is the row of a
margin account, and values are in money units. `number` and `used` say what an account has: of each
token, and of what its limits leave; see `Schedules`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from abm.books.books import Books
from abm.books.compiled import compiled, inlined, unsigned
from abm.books.ledger import UNLIMITED, account_row
from abm.books.terms import fraction_of
from abm.rules.planning import (
    SMALL_LOAN,
    choose_return,
    plan,
    plan_delivery,
    whole_tokens,
    whole_tokens_back,
)

Ints = npt.NDArray[np.int64]


@inlined
def has_schedule(books: Books, a: int) -> bool:
    """Whether an account is margined by what its collateral counts for."""
    return len(books.schedules.of) > 0 and books.schedules.of[books.accounts[a].agreement] >= 0


@inlined
def counts_for(books: Books, prices: Ints, a: int, token: int) -> int:
    """What a token counts for in an account; its price without a schedule."""
    if not has_schedule(books, a):
        return prices[token]
    part = books.schedules.part[books.accounts[a].agreement, token]
    return fraction_of(prices[token], part[0], part[1])[0]


@inlined
def is_eligible(books: Books, prices: Ints, a: int, token: int) -> bool:
    """Whether a token of this borrower counts at all in an account with a schedule."""
    schedules, account = books.schedules, books.accounts[a]
    s = schedules.of[account.agreement]
    if schedules.excludes_own[s] and schedules.own[account.borrower] == schedules.issuer[token]:
        return False
    return schedules.eligible[s, token] and counts_for(books, prices, a, token) > 0


@inlined
def is_limited(books: Books, a: int, token: int) -> bool:
    """Whether a token counts up to a limit only."""
    schedules = books.schedules
    s = schedules.of[books.accounts[a].agreement]
    limited = schedules.most[s, token] < UNLIMITED
    for limit in range(schedules.first[s], schedules.first[s + 1]):
        limited |= schedules.members[limit, token]
    return limited


@inlined
def room_for(books: Books, a: int, token: int, used: Ints) -> int:
    """Value of a token that its limits still leave."""
    schedules = books.schedules
    s = schedules.of[books.accounts[a].agreement]
    room = int(UNLIMITED)
    for limit in range(schedules.first[s], schedules.first[s + 1]):
        if schedules.members[limit, token]:
            share = schedules.share[limit]
            most, _ = fraction_of(books.accounts[a].required, share[0], share[1])
            room = min(room, most - used[limit])
    return room


@inlined
def take_room(books: Books, a: int, token: int, value: int, used: Ints) -> None:
    """So much of a token counts, and leaves less room in its limits."""
    schedules = books.schedules
    s = schedules.of[books.accounts[a].agreement]
    for limit in range(schedules.first[s], schedules.first[s + 1]):
        if schedules.members[limit, token]:
            used[limit] += value


@inlined
def find_number(books: Books, a: int, in_transit: bool, number: Ints) -> None:
    """Tokens that an account has: what the lender holds or posted further, less what it issued."""
    ledger, account = books.ledger, books.accounts[a]
    for token in range(len(number)):
        number[token] = ledger.balance[account_row(ledger, a), token]
        if len(books.reused):
            number[token] += books.reused[a, token]
        for slot in range(len(books.returning) if in_transit else 0):
            row = ledger.transit_row + slot * len(books.accounts) + a
            number[token] += ledger.balance[row, token] - books.returning[slot, a, token]
    number[books.priority[account.agreement, 0]] -= account.advanced


@compiled
def count(
    books: Books, prices: Ints, a: int, in_transit: bool, number: Ints, used: Ints
) -> tuple[int, int]:
    """What the collateral of an account counts for within the limits, and all of it without them.

    Args:
        books: the market.
        prices: published ones.
        a: an account with a schedule, whose requirement is set.
        in_transit: whether what is instructed counts.
        number: gets the tokens that there are.
        used: gets what they use of each limit, shape (limits,).
    """
    schedules, t = books.schedules, books.accounts[a].agreement
    find_number(books, a, in_transit, number)
    used[:] = 0
    within, everything = 0, 0
    for j in range(len(prices)):
        token = schedules.order[t, j]
        one = counts_for(books, prices, a, token)
        everything += one * number[token]
        if is_eligible(books, prices, a, token):
            most = schedules.most[schedules.of[t], token]
            value = min(one * min(number[token], most), room_for(books, a, token, used))
            take_room(books, a, token, value, used)
            within += value
    return within, everything


@inlined
def counted(books: Books, prices: Ints, a: int, in_transit: bool) -> int:
    """What is compared with the requirement: what counts while that is less, else all there is."""
    schedules = books.schedules
    within, everything = count(books, prices, a, in_transit, schedules.number, schedules.used)
    return within if within < books.accounts[a].required else everything


@inlined
def admitted(books: Books, prices: Ints, a: int, token: int, number: Ints, used: Ints) -> int:
    """How many more of a token count."""
    if not is_eligible(books, prices, a, token):
        return 0
    schedules = books.schedules
    most = schedules.most[schedules.of[books.accounts[a].agreement], token] - number[token]
    room = room_for(books, a, token, used) // counts_for(books, prices, a, token)
    return max(min(most, room), 0)


@compiled
def plan_counted(
    books: Books,
    prices: Ints,
    a: int,
    held: Ints,
    reusable: Ints,
    reuses: bool,
    mintable: Ints,
    missing: int,
    quantities: Ints,
) -> tuple[int, bool]:
    """`plan_delivery` of an account with a schedule: no more of a token than counts."""
    schedules = books.schedules
    count(books, prices, a, True, schedules.number, schedules.used)
    last, met = 0, missing <= 0
    if not met:
        last, missing, met = plan_counted_from(books, prices, a, held, missing, quantities, last)
    if not met and reuses:
        last, missing, met = plan_counted_from(
            books, prices, a, reusable, missing, quantities, last
        )
    if not met:
        last, missing, met = plan_counted_from(
            books, prices, a, mintable, missing, quantities, last
        )
    return last, met


@inlined
def plan_any(
    books: Books,
    prices: Ints,
    a: int,
    held: Ints,
    reusable: Ints,
    reuses: bool,
    mintable: Ints,
    missing: int,
    quantities: Ints,
) -> tuple[int, bool]:
    """`plan_delivery` of any account."""
    if has_schedule(books, a):
        return plan_counted(books, prices, a, held, reusable, reuses, mintable, missing, quantities)
    t = books.accounts[a].agreement
    priority, term = books.priority[t], books.terms[t]
    return plan_delivery(
        prices, priority, term, held, reusable, reuses, mintable, missing, quantities
    )


@inlined
def plan_counted_from(
    books: Books, prices: Ints, a: int, source: Ints, missing: int, quantities: Ints, last: int
) -> tuple[int, int, bool]:
    """Add what one source gives to a delivery; gives `last`, `missing` and whether it is met."""
    number, used = books.schedules.number, books.schedules.used
    t = books.accounts[a].agreement
    for j in range(books.terms[t].eligible):
        token = unsigned(books.priority[t, j])
        most = admitted(books, prices, a, token, number, used)
        if most == 0 or source[token] == 0:
            continue
        one = counts_for(books, prices, a, token)
        wanted = whole_tokens(missing, one, books.terms[t].delivery_up)
        most = min(most, source[token])
        quantity = min(wanted, most)
        if quantity:
            quantities[token] += quantity
            number[token] += quantity
            take_room(books, a, token, quantity * one, used)
            missing -= quantity * one
            last = max(last, j + 1)
        if missing <= 0 or quantity < most:
            return last, missing, True
    return last, missing, False


@inlined
def first_counted(
    books: Books, prices: Ints, a: int, source: Ints, number: Ints, used: Ints
) -> int:
    """What the first token of the priority counts for that a source has and that still counts."""
    t = books.accounts[a].agreement
    for j in range(books.terms[t].eligible):
        token = unsigned(books.priority[t, j])
        if source[token] > 0 and admitted(books, prices, a, token, number, used):
            return counts_for(books, prices, a, token)
    return 0


@compiled
def first_counted_of(
    books: Books, prices: Ints, a: int, held: Ints, reusable: Ints, mintable: Ints
) -> int:
    """The same of what a borrower still has, source by source."""
    number, used = books.schedules.number, books.schedules.used
    count(books, prices, a, True, number, used)
    one = first_counted(books, prices, a, held, number, used)
    if one == 0 and len(books.reused):
        one = first_counted(books, prices, a, reusable, number, used)
    if one == 0:
        one = first_counted(books, prices, a, mintable, number, used)
    return one


@compiled
def plan_counted_return(
    books: Books, prices: Ints, a: int, held: Ints, excess: int, quantities: Ints
) -> tuple[int, int]:
    """What goes back from an account with a schedule, at first what does not count.

    Args:
        books: the market.
        prices: published ones.
        a: the account.
        held: tokens that the lender still has to give back.
        excess: what all there is counts for above the requirement.
        quantities: zeros; gets what goes back.

    Returns:
        The value that is left over when all is exhausted, and the number of tokens.
    """
    schedules, account = books.schedules, books.accounts[a]
    number, used = schedules.number, schedules.used
    within, _ = count(books, prices, a, True, number, used)
    spare, tokens, t = account.required // SMALL_LOAN, 0, account.agreement
    up, moved = books.terms[t].return_up, books.terms[t].eligible
    if within < account.required:
        return 0, 0
    for turn in range(3):
        if turn == 1:
            find_beyond(books, prices, a, number, used)
        if turn == 2:
            excess = min(excess, within - account.required)
        j = moved if turn else len(prices)
        while excess > 0 and j > 0:
            j -= 1
            token = schedules.order[t, j]
            there = held[token] - quantities[token]
            if is_eligible(books, prices, a, token) == (turn == 0):
                continue
            if turn == 1:
                there = min(there, number[token])
            one = counts_for(books, prices, a, token)
            quantity, worth = there, there * one
            if excess < worth:
                quantity = whole_tokens_back(excess, one, up, spare)
                worth = excess
            quantities[token] += quantity
            tokens += quantity
            excess -= worth
    return max(excess, 0), tokens


@inlined
def plan_return(
    books: Books, prices: Ints, a: int, held: Ints, excess: int, quantities: Ints
) -> tuple[int, int]:
    """The same of any account, whatever it is margined by."""
    if has_schedule(books, a):
        return plan_counted_return(books, prices, a, held, excess, quantities)
    account = books.accounts[a]
    term, priority = books.terms[account.agreement], books.priority[account.agreement]
    spare = account.required // SMALL_LOAN
    _, left_over, tokens = choose_return(
        prices, priority, term, held, excess, spare, plan, quantities
    )
    return left_over, tokens


@inlined
def find_beyond(books: Books, prices: Ints, a: int, number: Ints, used: Ints) -> None:
    """Turn the tokens that there are into those, in whole numbers, that are beyond the limits."""
    schedules = books.schedules
    t = books.accounts[a].agreement
    most = schedules.most[schedules.of[t]]
    used[:] = 0
    for j in range(len(prices)):
        token = schedules.order[t, j]
        if is_eligible(books, prices, a, token):
            one = counts_for(books, prices, a, token)
            value = min(one * min(number[token], most[token]), room_for(books, a, token, used))
            take_room(books, a, token, value, used)
            number[token] = (one * number[token] - value) // one


@compiled
def discount_all(books: Books, prices: Ints) -> None:
    """Find what the collateral of each account is worth above what it counts for."""
    number = books.schedules.number
    for a in range(len(books.schedules.discount)):
        books.schedules.discount[a] = 0
        if has_schedule(books, a) and books.accounts[a].open_loans:
            counts = counted(books, prices, a, False)
            find_number(books, a, False, number)
            worth = 0
            for token in range(len(prices)):
                worth += prices[token] * number[token]
            books.schedules.discount[a] = worth - counts


@compiled
def value_not_counted(books: Books, prices: Ints) -> int:
    """Market value of collateral that is not eligible or, in whole tokens, beyond the limits."""
    number, used, value = books.schedules.number, books.schedules.used, 0
    for a in range(len(books.schedules.discount)):
        if has_schedule(books, a) and books.accounts[a].open_loans:
            find_number(books, a, False, number)
            find_beyond(books, prices, a, number, used)
            for token in range(len(prices)):
                value += prices[token] * max(number[token], 0)
    return value
