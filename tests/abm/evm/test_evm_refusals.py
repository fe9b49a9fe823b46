"""Every call that must not succeed reverts with its own reason and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from evm_world import World, new_world

from abm.evm.machine import DAY, WORD, RevertedError, new_machine
from abm.evm.platform import UNLIMITED, Platform

LARGE = 2**63
ZERO = "0x" + "00" * 20

Call = Callable[[World], Any]


def by(who: str, contract: str, function: str, *arguments: Any) -> Call:
    """A call by the account that `who` names, arguments by name or as they are."""

    def call(world: World) -> Any:
        p = world.platform
        sender = getattr(world, who, None) or getattr(p, who)
        target = p.tokens[int(contract)] if contract.isdigit() else getattr(p, contract)
        return p.machine.send(target, function, [_value(world, a) for a in arguments], sender)

    return call


def _value(world: World, argument: Any) -> Any:
    if callable(argument):
        return argument(world)
    return (
        getattr(world, argument)
        if isinstance(argument, str) and hasattr(world, argument)
        else argument
    )


def token(position: int) -> Callable[[World], str]:
    return lambda world: world.platform.tokens[position].address


def loan(world: World) -> int:
    return world.loan


def loans(world: World) -> list[int]:
    return [world.loan]


def now(world: World) -> int:
    return world.platform.machine.now


def lending(world: World) -> str:
    return world.platform.lending.address


def in_days(days: int) -> Callable[[World], int]:
    return lambda world: world.platform.machine.now // DAY + days


TERMS = (500, 0, 200, 0, 0, 0, True, True, True, [0, 1])


def terms(**changed: Any) -> tuple[Any, ...]:
    names = ("haircut", "margin", "trigger", "minimum", "lag", "grace", "d", "r", "i", "priority")
    return tuple(changed.get(name, value) for name, value in zip(names, TERMS, strict=True))


def an_offer(**changed: Any) -> tuple[Any, ...]:
    given = {
        "borrower": "borrower",
        "agreement": "agreement",
        "maturity": 0,
        "term": 0,
        "lent": [0, 0, 950],
        "collateral": [10, 0, 0],
    }
    return tuple({**given, **changed}.values())


def is_called(world: World) -> None:
    """Prices fall, so that the loan has a call that nobody has delivered on yet."""
    world.day(1, 80, 180)
    world.house("mark", [world.loan])


def is_marked(world: World) -> None:
    world.day(1, 100, 200)
    world.house("adjust", [world.loan])


def is_offered(world: World) -> None:
    world.platform.fund(world.borrower, 0, 10)
    world.platform.fund(world.lender, 2, 950)
    by("lender", "lending", "offer", *an_offer())(world)


def is_withdrawn(world: World) -> None:
    is_offered(world)
    by("lender", "lending", "withdraw", 2)(world)


def is_insolvent(world: World) -> None:
    world.platform.declare_insolvent(world.borrower)


def is_stopped(world: World) -> None:
    is_insolvent(world)
    world.platform.stop([world.loan], world.borrower)


def lender_is_stopped(world: World) -> None:
    world.platform.declare_insolvent(world.lender)
    world.platform.stop([world.loan], world.lender)


def is_unmet(world: World) -> None:
    """The borrower has owed a delivery for a day, which its grace allows."""
    world.day(1, 80, 180)
    world.house("adjust", [world.loan])
    assert world.platform.loan(world.loan).unmet_days == 1


def is_due(world: World) -> None:
    world.day(30, 100, 200)


def is_tried(world: World) -> None:
    """The borrower has redeemed the cash that it owes."""
    is_due(world)
    world.platform.redeem(world.borrower, 2, 285_000)
    assert world.platform.settle([world.loan]) == [False]


def is_settled(world: World) -> None:
    is_due(world)
    assert world.platform.settle([world.loan]) == [True]


def is_stale(world: World) -> None:
    world.platform.machine.advance_to(world.platform.machine.now + DAY + 1)


def nothing(world: World) -> None:
    pass


HOUSE = "only the clearing house"

REFUSED: dict[str, tuple[Callable[[World], None], Call, str]] = {
    # Tokens
    "mint past the custodian": (
        nothing,
        by("outsider", "0", "mint", "outsider", 1),
        "only the custodian",
    ),
    "mint by the operator": (
        nothing,
        by("operator", "0", "mint", "outsider", 1),
        "only the custodian",
    ),
    "burn of others": (nothing, by("outsider", "2", "burn", "borrower", 1), "only the custodian"),
    "transfer of too much": (
        nothing,
        by("outsider", "0", "transfer", "lender", 1),
        "balance too low",
    ),
    "transfer to nobody": (nothing, by("borrower", "2", "transfer", ZERO, 1), "zero address"),
    "taking without allowance": (
        nothing,
        by("outsider", "2", "transferFrom", "borrower", "outsider", 1),
        "allowance too low",
    ),
    "taking more than there is": (
        nothing,
        by("buyer", "0", "transferFrom", "buyer", "outsider", 0),
        "",
    ),
    # Custodian
    "deposit by an outsider": (
        nothing,
        by("outsider", "custodian", "record_deposit", "outsider", token(0), 1),
        "only the operator",
    ),
    "deposit of nothing": (
        nothing,
        by("operator", "custodian", "record_deposit", "lender", token(0), 0),
        "zero amount",
    ),
    "deposit for nobody": (
        nothing,
        by("operator", "custodian", "record_deposit", ZERO, token(0), 1),
        "zero address",
    ),
    "deposit of too much": (
        nothing,
        by("operator", "custodian", "record_deposit", "lender", token(0), LARGE),
        "too large",
    ),
    "deposit of an unknown token": (
        nothing,
        by("operator", "custodian", "record_deposit", "lender", "outsider", 1),
        "unknown token",
    ),
    "deposit on top of an unlimited one": (
        lambda world: world.platform.deposit(world.lender, 0, UNLIMITED),
        by("operator", "custodian", "record_deposit", "lender", token(0), 1),
        "already unlimited",
    ),
    "minting beyond the deposit": (
        nothing,
        by("borrower", "custodian", "mint", token(0), 1),
        "beyond the deposit",
    ),
    "minting nothing": (nothing, by("borrower", "custodian", "mint", token(0), 0), "zero amount"),
    "minting too much": (
        lambda world: world.platform.deposit(world.borrower, 0, UNLIMITED),
        by("borrower", "custodian", "mint", token(0), LARGE),
        "too large",
    ),
    "minting for others": (
        nothing,
        by("outsider", "custodian", "mint_up_to", "borrower", token(0), "outsider", 1),
        "only the lending contract",
    ),
    "redeeming what one lacks": (
        nothing,
        by("outsider", "custodian", "redeem", token(0), 1),
        "balance too low",
    ),
    "redeeming nothing": (
        nothing,
        by("borrower", "custodian", "redeem", token(2), 0),
        "zero amount",
    ),
    "redeeming an unknown token": (
        nothing,
        by("borrower", "custodian", "redeem", "outsider", 1),
        "unknown token",
    ),
    "registering by an outsider": (
        nothing,
        by("outsider", "custodian", "register", "outsider"),
        "only the operator",
    ),
    "registering twice": (
        nothing,
        by("operator", "custodian", "register", token(0)),
        "already registered",
    ),
    "registering nothing": (nothing, by("operator", "custodian", "register", ZERO), "zero address"),
    "authorising by an outsider": (
        nothing,
        by("outsider", "custodian", "authorise", "outsider"),
        "only the operator",
    ),
    "authorising twice": (
        nothing,
        by("operator", "custodian", "authorise", "outsider"),
        "already authorised",
    ),
    "authorising nobody": (nothing, by("operator", "custodian", "authorise", ZERO), "zero address"),
    # Oracle
    "prices by an outsider": (
        nothing,
        by("outsider", "oracle", "post", [1, 1], now),
        "only the poster",
    ),
    "too few prices": (nothing, by("poster", "oracle", "post", [1], now), "number of prices"),
    "the same prices again": (nothing, by("poster", "oracle", "post", [1, 1], now), "not newer"),
    "prices of tomorrow": (
        nothing,
        by("poster", "oracle", "post", [1, 1], lambda world: now(world) + 1),
        "from the future",
    ),
    "a price of zero": (
        lambda world: world.platform.go_to(1),
        by("poster", "oracle", "post", [1, 0], now),
        "zero price",
    ),
    "too large a price": (
        lambda world: world.platform.go_to(1),
        by("poster", "oracle", "post", [1, LARGE], now),
        "too large",
    ),
    "prices of last week": (
        lambda world: world.platform.go_to(9),
        by("poster", "oracle", "post", [1, 1], lambda world: now(world) - 2 * DAY),
        "too old",
    ),
    # Agreements
    "agreement by an outsider": (
        nothing,
        by("outsider", "lending", "register_agreement", *TERMS),
        HOUSE,
    ),
    "haircut of everything": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(haircut=10_000)),
        "margin out of range",
    ),
    "haircut and margin": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(margin=10_200)),
        "haircut and margin",
    ),
    "trigger of everything": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(trigger=10_000)),
        "trigger out of range",
    ),
    "minimum too large": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(minimum=LARGE)),
        "too large",
    ),
    "lag of two days": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(lag=2)),
        "lag out of range",
    ),
    "grace of centuries": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(grace=65_536)),
        "grace out of range",
    ),
    "nothing eligible": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(priority=[])),
        "number of tokens",
    ),
    "unknown token eligible": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(priority=[3])),
        "unknown token",
    ),
    "token eligible twice": (
        nothing,
        by("clearing_house", "lending", "register_agreement", *terms(priority=[1, 1])),
        "token twice",
    ),
    # Opening
    "lending to nobody": (
        nothing,
        by("lender", "lending", "offer", *an_offer(borrower=ZERO)),
        "no such borrower",
    ),
    "lending to oneself": (
        nothing,
        by("lender", "lending", "offer", *an_offer(borrower="lender")),
        "no such borrower",
    ),
    "unknown agreement": (
        nothing,
        by("lender", "lending", "offer", *an_offer(agreement=2)),
        "unknown agreement",
    ),
    "maturity today": (
        nothing,
        by("lender", "lending", "offer", *an_offer(maturity=in_days(0))),
        "maturity out of range",
    ),
    "maturity beyond all days": (
        nothing,
        by("lender", "lending", "offer", *an_offer(maturity=2**31)),
        "maturity out of range",
    ),
    "term too long": (
        nothing,
        by("lender", "lending", "offer", *an_offer(term=65_536)),
        "term out of range",
    ),
    "amounts of too few tokens": (
        nothing,
        by("lender", "lending", "offer", *an_offer(lent=[1, 1])),
        "number of tokens",
    ),
    "lending nothing": (
        nothing,
        by("lender", "lending", "offer", *an_offer(lent=[0, 0, 0])),
        "nothing lent",
    ),
    "lending against nothing": (
        nothing,
        by("lender", "lending", "offer", *an_offer(collateral=[0, 0, 0])),
        "no collateral",
    ),
    "lending too much": (
        nothing,
        by("lender", "lending", "offer", *an_offer(lent=[0, 0, LARGE])),
        "too large",
    ),
    "accepting for the borrower": (
        is_offered,
        by("outsider", "lending", "accept", 2),
        "only the borrower",
    ),
    "accepting twice": (nothing, by("borrower", "lending", "accept", loan), "not offered"),
    "accepting what was withdrawn": (
        is_withdrawn,
        by("borrower", "lending", "accept", 2),
        "not offered",
    ),
    "accepting what does not exist": (
        nothing,
        by("borrower", "lending", "accept", 9),
        "no such loan",
    ),
    "accepting on the next day": (
        lambda world: (is_offered(world), world.day(1, 100, 200)),
        by("borrower", "lending", "accept", 2),
        "offer expired",
    ),
    "accepting with too little collateral": (
        lambda world: (
            is_offered(world),
            world.platform.machine.advance_to(now(world) + 1),
            world.platform.post([99, 200]),
        ),
        by("borrower", "lending", "accept", 2),
        "not enough collateral",
    ),
    "accepting a loan that is too large": (
        lambda world: by("lender", "lending", "offer", *an_offer(lent=[LARGE - 1] * 3))(world),
        by("borrower", "lending", "accept", 2),
        "too large",
    ),
    "accepting without the collateral": (
        lambda world: by("lender", "lending", "offer", *an_offer(lent=[0, 0, 1]))(world),
        by("borrower", "lending", "accept", 2),
        "balance too low",
    ),
    "accepting in default": (
        lambda world: (is_offered(world), is_insolvent(world)),
        by("borrower", "lending", "accept", 2),
        "party in default",
    ),
    "withdrawing for the lender": (
        is_offered,
        by("borrower", "lending", "withdraw", 2),
        "only the lender",
    ),
    "withdrawing an open loan": (nothing, by("lender", "lending", "withdraw", loan), "not offered"),
    # Margining
    "adjusting by the borrower": (nothing, by("borrower", "lending", "adjust", loans), HOUSE),
    "marking by an outsider": (nothing, by("outsider", "lending", "mark", loans), HOUSE),
    "delivering by the lender": (is_called, by("lender", "lending", "deliver", loans), HOUSE),
    "settling instructions by the lender": (
        nothing,
        by("lender", "lending", "settle_instructions", loans),
        HOUSE,
    ),
    "adjusting nothing": (nothing, by("clearing_house", "lending", "adjust", []), "no loans"),
    "marking nothing": (nothing, by("clearing_house", "lending", "mark", []), "no loans"),
    "delivering nothing": (nothing, by("clearing_house", "lending", "deliver", []), "no loans"),
    "settling no instruction": (
        nothing,
        by("clearing_house", "lending", "settle_instructions", []),
        "no loans",
    ),
    "adjusting an unknown loan": (
        nothing,
        by("clearing_house", "lending", "adjust", [9]),
        "no such loan",
    ),
    "adjusting at stale prices": (
        is_stale,
        by("clearing_house", "lending", "adjust", loans),
        "stale prices",
    ),
    "adjusting an offer": (is_offered, by("clearing_house", "lending", "adjust", [2]), "not open"),
    "adjusting a settled loan": (
        is_settled,
        by("clearing_house", "lending", "adjust", loans),
        "not open",
    ),
    "adjusting a stopped loan": (
        is_stopped,
        by("clearing_house", "lending", "mark", loans),
        "not open",
    ),
    "adjusting twice": (
        is_marked,
        by("clearing_house", "lending", "adjust", loans),
        "already marked today",
    ),
    "adjusting twice in a batch": (
        nothing,
        by("clearing_house", "lending", "adjust", lambda world: [world.loan] * 2),
        "already marked today",
    ),
    "delivering without a call": (
        is_marked,
        by("clearing_house", "lending", "deliver", loans),
        "no call",
    ),
    "delivering twice": (
        lambda world: (is_called(world), world.house("deliver", [world.loan])),
        by("clearing_house", "lending", "deliver", loans),
        "no call",
    ),
    "delivering on yesterday's call": (
        lambda world: (is_called(world), world.day(2, 80, 180)),
        by("clearing_house", "lending", "deliver", loans),
        "no call",
    ),
    "settling an instruction that is none": (
        nothing,
        by("clearing_house", "lending", "settle_instructions", loans),
        "no instruction",
    ),
    # Settlement
    "settling before maturity": (nothing, by("borrower", "lending", "settle", loans), "not due"),
    "settling by an outsider": (is_due, by("outsider", "lending", "settle", loans), "not a party"),
    "settling nothing": (nothing, by("borrower", "lending", "settle", []), "no loans"),
    "settling twice": (is_settled, by("borrower", "lending", "settle", loans), "not open"),
    "settling twice on a day": (
        is_tried,
        by("lender", "lending", "settle", loans),
        "already tried today",
    ),
    # What the desk alone may do
    "stopping past the desk": (
        nothing,
        by("clearing_house", "lending", "stop", loan),
        "only the desk",
    ),
    "releasing past the desk": (
        is_stopped,
        by("clearing_house", "lending", "release", loan, 0, "outsider", 1),
        "only the desk",
    ),
    "ending past the desk": (is_stopped, by("outsider", "lending", "end", loan), "only the desk"),
    "appointing by an outsider": (nothing, by("outsider", "lending", "appoint", "outsider"), HOUSE),
    "appointing twice": (
        nothing,
        by("clearing_house", "lending", "appoint", "outsider"),
        "already appointed",
    ),
    "appointing nobody": (
        nothing,
        by("clearing_house", "lending", "appoint", ZERO),
        "zero address",
    ),
    # Default and close-out
    "default by an outsider": (
        nothing,
        by("lender", "desk", "declare_insolvent", "borrower"),
        HOUSE,
    ),
    "default of nobody": (
        nothing,
        by("clearing_house", "desk", "declare_insolvent", ZERO),
        "zero address",
    ),
    "default twice": (
        is_insolvent,
        by("clearing_house", "desk", "declare_insolvent", "borrower"),
        "already in default",
    ),
    "default of one who owes nothing": (
        nothing,
        by("lender", "desk", "declare_unmet", loan),
        "within the grace period",
    ),
    "default within the grace period": (
        is_unmet,
        by("lender", "desk", "declare_unmet", loan),
        "within the grace period",
    ),
    "default by the borrower": (
        is_unmet,
        by("borrower", "desk", "declare_unmet", loan),
        "not a party",
    ),
    "default on a settled loan": (
        is_settled,
        by("lender", "desk", "declare_unmet", loan),
        "not open",
    ),
    "stopping by the lender": (
        is_insolvent,
        by("lender", "desk", "stop", loans, "borrower"),
        HOUSE,
    ),
    "stopping nothing": (
        is_insolvent,
        by("clearing_house", "desk", "stop", [], "borrower"),
        "no loans",
    ),
    "stopping the solvent": (
        nothing,
        by("clearing_house", "desk", "stop", loans, "borrower"),
        "not in default",
    ),
    "stopping others' loans": (
        lambda world: world.platform.declare_insolvent(world.outsider),
        by("clearing_house", "desk", "stop", loans, "outsider"),
        "not a party",
    ),
    "stopping twice": (
        is_stopped,
        by("clearing_house", "desk", "stop", loans, "borrower"),
        "not open",
    ),
    "buying by the buyer": (
        is_stopped,
        by("buyer", "desk", "liquidate", loan, "buyer", [1, 0, 0]),
        HOUSE,
    ),
    "selling of an open loan": (
        nothing,
        by("clearing_house", "desk", "liquidate", loan, "buyer", [1, 0, 0]),
        "not stopped",
    ),
    "selling to the unwilling": (
        is_stopped,
        by("clearing_house", "desk", "liquidate", loan, "lender", [1, 0, 0]),
        "not a buyer",
    ),
    "selling more than is held": (
        is_stopped,
        by("clearing_house", "desk", "liquidate", loan, "buyer", [1_001, 0, 0]),
        "more than held",
    ),
    "selling nothing": (
        is_stopped,
        by("clearing_house", "desk", "liquidate", loan, "buyer", [0, 0, 0]),
        "nothing to sell",
    ),
    "selling too few tokens": (
        is_stopped,
        by("clearing_house", "desk", "liquidate", loan, "buyer", [1, 0]),
        "number of tokens",
    ),
    "selling to a buyer without cash": (
        is_stopped,
        by("clearing_house", "desk", "liquidate", loan, "buyer", [1, 0, 0]),
        "balance too low",
    ),
    "selling for a lender in default": (
        lender_is_stopped,
        by("clearing_house", "desk", "liquidate", loan, "buyer", [1, 0, 0]),
        "borrower not in default",
    ),
    "selling at stale prices": (
        lambda world: (is_stopped(world), is_stale(world)),
        by("clearing_house", "desk", "liquidate", loan, "buyer", [1, 0, 0]),
        "stale prices",
    ),
    "buying twice": (nothing, by("buyer", "desk", "register_buyer", True), "already so"),
    "closing out by the lender": (
        is_stopped,
        by("lender", "desk", "close_out", loans, "borrower", "lender", [1, 0, 2]),
        HOUSE,
    ),
    "closing out nothing": (
        is_stopped,
        by("clearing_house", "desk", "close_out", [], "borrower", "lender", [1, 0, 2]),
        "no loans",
    ),
    "closing out an open loan": (
        nothing,
        by("clearing_house", "desk", "close_out", loans, "borrower", "lender", [1, 0, 2]),
        "not all loans of the pair",
    ),
    "closing out before the sale": (
        is_stopped,
        by("clearing_house", "desk", "close_out", loans, "borrower", "lender", [1, 0, 2]),
        "collateral not sold",
    ),
    "closing out in the wrong order": (
        lender_is_stopped,
        by("clearing_house", "desk", "close_out", loans, "lender", "borrower", [0, 1, 2]),
        "order of tokens",
    ),
    "closing out with a token twice": (
        lender_is_stopped,
        by("clearing_house", "desk", "close_out", loans, "lender", "borrower", [1, 1, 2]),
        "order of tokens",
    ),
    "closing out with a token missing": (
        lender_is_stopped,
        by("clearing_house", "desk", "close_out", loans, "lender", "borrower", [1, 0]),
        "number of tokens",
    ),
    "closing out with an unknown token": (
        lender_is_stopped,
        by("clearing_house", "desk", "close_out", loans, "lender", "borrower", [1, 0, 3]),
        "unknown token",
    ),
}
del REFUSED["taking more than there is"]


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_its_reason_and_nothing_changes(world: World, case: str) -> None:
    before, call, reason = REFUSED[case]
    before(world)
    state = world.state()
    with pytest.raises(RevertedError) as refusal:
        call(world)
    assert str(refusal.value) == reason
    assert world.state() == state


def test_lagged_instructions_in_order() -> None:
    """An instruction settles once, not on its own day, and before the next margin run."""
    world = new_world(lag=1)
    world.day(1, 80, 180)
    world.platform.deposit(world.borrower, 0, 10_000)
    world.house("adjust", [world.loan])
    assert world.platform.loan(world.loan).instructed
    for function, reason in (("settle_instructions", "not due"), ("mark", "already marked today")):
        state = world.state()
        with pytest.raises(RevertedError, match=reason):
            world.house(function, [world.loan])
        assert world.state() == state
    world.day(2, 80, 180)
    with pytest.raises(RevertedError, match="instruction not settled"):
        world.house("adjust", [world.loan])
    world.house("settle_instructions", [world.loan])
    with pytest.raises(RevertedError, match="no instruction"):
        world.house("settle_instructions", [world.loan])
    world.house("adjust", [world.loan])


def test_maturity_waits_for_the_instruction() -> None:
    world = new_world(lag=1)
    world.day(29, 120, 210)
    world.house("adjust", [world.loan])
    world.day(30, 120, 210)
    with pytest.raises(RevertedError, match="instruction not settled"):
        world.platform.settle([world.loan])
    world.house("settle_instructions", [world.loan])
    assert world.platform.settle([world.loan]) == [True]


def test_prices_before_the_first_are_none() -> None:
    platform = Platform(["A", "cash"])
    with pytest.raises(RevertedError, match="no prices"):
        platform.machine.read(platform.oracle, "prices", [])


def test_numbers_that_are_no_words_never_reach_the_machine() -> None:
    """The machine would answer with worse than an error."""
    world = new_world()
    for number in (-1, WORD):
        with pytest.raises(ValueError, match="256 bits"):
            by("borrower", "2", "transfer", "lender", number)(world)


def test_the_largest_amounts_overflow_nowhere() -> None:
    """At the limits of prices and amounts everything is either computed or refused by name."""
    world = new_world(machine=new_machine())
    p = world.platform
    p.fund(world.lender, 2, LARGE - 1 - 285_000)
    p.deposit(world.borrower, 0, UNLIMITED)
    p.mint(world.borrower, 0, LARGE - 1)
    p.go_to(1)
    p.post([2, 1])
    big = p.open(world.lender, world.borrower, 1, 0, 0, [0, 0, 2**62], [LARGE - 1, 0, 0])
    p.go_to(2)
    p.post([LARGE - 1, LARGE - 1])
    outcome = p.adjust([big])[0]
    assert outcome.kind == 2 and outcome.worth >= 0
    p.go_to(3)
    p.post([1, 1])
    assert p.adjust([big])[0].kind == 1
