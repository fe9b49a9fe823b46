"""Tokens of securities: ERC-20 with the powers of ERC-7943, told by ERC-165; signed allowances."""

from __future__ import annotations

from functools import cache, reduce
from operator import xor
from typing import Any

import pytest
from evm_world import World, new_world
from hypothesis import given, settings
from hypothesis import strategies as st

from abm.chain.artefacts import artefact
from abm.chain.machine import RevertedError
from abm.chain.platform import Platform

ERC_165, ERC_7943, NONE = "0x01ffc9a7", "0x3edbb4c4", "0xffffffff"
FUNCTIONS = {
    "forcedTransfer": ["address", "address", "uint256"],
    "setFrozenTokens": ["address", "uint256"],
    "canSend": ["address"],
    "canReceive": ["address"],
    "getFrozenTokens": ["address"],
    "canTransfer": ["address", "address", "uint256"],
}
"""Of `IERC7943Fungible`, with the types of their arguments."""


class Restricted:
    """A restricted token of which two accounts may hold some, and the first holds 100."""

    def __init__(self) -> None:
        self.p = Platform(["A", "cash"], restricted=True)
        self.token = self.p.tokens[0]
        self.one, self.other, self.third = (self.p.account(name) for name in ("1", "2", "3"))
        for account in (self.one, self.other):
            self.enforce("permit_account", account, True)
        self.p.fund(self.one, 0, 100)

    def enforce(self, function: str, *arguments: Any) -> Any:
        return self.p.machine.send(self.token, function, arguments, self.p.enforcer).output

    def read(self, function: str, *arguments: Any) -> Any:
        return self.p.machine.read(self.token, function, arguments)

    def transfer(self, sender: str, receiver: str, amount: int) -> bool:
        """Whether a transfer goes through."""
        try:
            self.p.machine.send(self.token, "transfer", [receiver, amount], sender)
        except RevertedError:
            return False
        return True


@pytest.fixture
def restricted() -> Restricted:
    return Restricted()


def test_the_interface_is_that_of_the_standard(world: World) -> None:
    """Its identifier is that of all its functions together; ERC-165 asks for no other answer."""
    eth_utils = pytest.importorskip("eth_utils", reason="hashes the functions' names")
    selectors = [
        int.from_bytes(eth_utils.keccak(text=f"{name}({','.join(types)})")[:4], "big")
        for name, types in FUNCTIONS.items()
    ]
    assert f"0x{reduce(xor, selectors):08x}" == ERC_7943
    told = {
        entry["name"]: [argument["type"] for argument in entry["inputs"]]
        for entry in artefact("Token").abi
        if entry["type"] == "function"
    }
    assert {name: told[name] for name in FUNCTIONS} == FUNCTIONS
    p = world.platform
    for number, supported in ((ERC_165, True), (ERC_7943, True), (NONE, False)):
        assert p.machine.read(p.tokens[0], "supportsInterface", [number]) is supported


def test_only_permitted_accounts_send_and_receive(restricted: Restricted) -> None:
    r = restricted
    assert r.transfer(r.one, r.other, 40)
    assert not r.transfer(r.one, r.third, 1)
    assert (r.read("canReceive", r.third), r.read("canSend", r.one)) == (False, True)
    r.enforce("permit_account", r.other, False)
    assert not r.transfer(r.other, r.one, 1)
    assert r.read("spendable", r.other, r.one) == 0
    with pytest.raises(RevertedError, match="receiver not permitted"):
        r.p.fund(r.third, 0, 1)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["freeze", "transfer", "force", "back"]),
            st.integers(0, 130),
        ),
        max_size=8,
    )
)
@settings(max_examples=25, deadline=None)
def test_what_can_be_transferred_is_what_is_told(steps: list[tuple[str, int]]) -> None:
    """`canTransfer` and a transfer agree; no token is lost, and frozen ones stay."""
    r = _kept()
    for what, amount in steps:
        held, frozen = r.read("balanceOf", r.one), r.read("getFrozenTokens", r.one)
        if what == "freeze":
            assert r.enforce("setFrozenTokens", r.one, amount)
            assert r.read("getFrozenTokens", r.one) == amount
        elif what == "force":
            if amount <= held:
                assert r.enforce("forcedTransfer", r.one, r.other, amount)
                assert r.read("getFrozenTokens", r.one) == min(frozen, held - amount)
        else:
            pair = (r.one, r.other) if what == "transfer" else (r.other, r.one)
            told = r.read("canTransfer", *pair, amount)
            free = max(held - frozen, 0) if what == "transfer" else 100 - held
            assert told == (amount <= free)
            assert r.transfer(*pair, amount) == told
        assert r.read("balanceOf", r.one) + r.read("balanceOf", r.other) == 100
        assert r.read("totalSupply") == 100


_ONE: list[Restricted] = []


def _kept() -> Restricted:
    """One token for all examples: the first account holds 100 again, nothing frozen."""
    if not _ONE:
        _ONE.append(Restricted())
    r = _ONE[0]
    r.enforce("setFrozenTokens", r.one, 0)
    r.enforce("forcedTransfer", r.other, r.one, r.read("balanceOf", r.other))
    return r


def test_frozen_tokens_cannot_be_redeemed(restricted: Restricted) -> None:
    r = restricted
    r.enforce("setFrozenTokens", r.one, 60)
    with pytest.raises(RevertedError, match="tokens frozen"):
        r.p.redeem(r.one, 0, 41)
    r.p.redeem(r.one, 0, 40)
    assert r.read("balanceOf", r.one) == 60


def test_collateral_cannot_be_seized_from_the_pool(world: World) -> None:
    p = world.platform
    assert p.machine.read(p.tokens[0], "isPool", [p.lending.address])
    for function, arguments in (
        ("forcedTransfer", [p.lending.address, world.outsider, 1]),
        ("setFrozenTokens", [p.lending.address, 1]),
    ):
        with pytest.raises(RevertedError, match="a pool"):
            p.machine.send(p.tokens[0], function, arguments, p.enforcer)


def test_an_allowance_can_be_signed() -> None:
    """The owner signs, somebody else brings it; once, in time, and for nothing else."""
    keys = pytest.importorskip("eth_keys", reason="signs, of py-evm").keys
    from eth_abi import encode
    from eth_utils import keccak

    world = new_world()
    p = world.platform
    token = p.tokens[0]
    key = keys.PrivateKey(b"\x11" * 32)
    owner, spender = key.public_key.to_checksum_address(), p.lending.address
    deadline = p.machine.now + 100

    def signed(amount: int, nonce: int) -> list[Any]:
        words = ["bytes32", "address", "address", "uint256", "uint256", "uint256"]
        kind = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
        content = keccak(
            encode(words, [keccak(text=kind), owner, spender, amount, nonce, deadline])
        )
        domain = p.machine.read(token, "DOMAIN_SEPARATOR", [])
        domain = bytes.fromhex(domain.removeprefix("0x")) if isinstance(domain, str) else domain
        signature = key.sign_msg_hash(keccak(b"\x19\x01" + bytes(domain) + content))
        r, s = (f"0x{number:064x}" for number in (signature.r, signature.s))
        return [owner, spender, amount, deadline, 27 + signature.v, r, s]

    def bring(arguments: list[Any]) -> None:
        p.machine.send(token, "permit", arguments, world.outsider)

    arguments = signed(70, 0)
    with pytest.raises(RevertedError, match="not signed by the owner"):
        bring([*arguments[:2], 71, *arguments[3:]])
    bring(arguments)
    assert p.machine.read(token, "allowance", [owner, spender]) == 70
    with pytest.raises(RevertedError, match="not signed by the owner"):
        bring(arguments)
    later = signed(80, 1)
    p.machine.advance_to(deadline + 1)
    with pytest.raises(RevertedError, match="expired"):
        bring(later)


LARGE = 2**61 - 1
"""From here on the collector's allowances do not fit into their owner's record."""
UNLIMITED = 2**256 - 1
AMOUNTS = st.one_of(
    st.integers(0, 120),
    st.integers(LARGE - 2, LARGE + 2),
    st.sampled_from([2**96, UNLIMITED - 1, UNLIMITED]),
)


class Allowing:
    """A restricted token: an owner of 100, and spenders of which none is a named pool yet."""

    def __init__(self) -> None:
        self.p = p = Platform(["A", "cash"])
        names = ("issuer", "owner", "receiver", "lending", "desk", "anybody")
        self.issuer, self.owner, self.receiver, *spenders = (p.account(name) for name in names)
        self.lending, self.desk, self.anybody = self.spenders = spenders
        arguments = ["Z", self.issuer, p.admin, p.enforcer, p.guardian, True]
        self.token = p.machine.deploy(artefact("Token"), arguments, p.admin)
        for account in (self.owner, self.receiver):
            self.send(p.enforcer, "permit_account", account, True)
        self.send(self.issuer, "mint", self.owner, 100)

    def send(self, sender: str, function: str, *arguments: Any) -> None:
        self.p.machine.send(self.token, function, arguments, sender)

    def read(self, function: str, *arguments: Any) -> Any:
        return self.p.machine.read(self.token, function, arguments)

    def allowed(self) -> list[int]:
        """What each spender is allowed."""
        return [self.read("allowance", self.owner, spender) for spender in self.spenders]


@cache
def _allowing() -> Allowing:
    """One for all examples."""
    made = Allowing()
    for pool in (made.lending, made.desk):
        made.send(made.p.admin, "name_pool", pool)
    return made


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["approve", "take"]), st.integers(0, 2), AMOUNTS), max_size=12
    ),
    frozen=st.integers(0, 100),
)
@settings(max_examples=50, deadline=None)
def test_allowances_are_those_of_erc_20_wherever_they_lie(
    steps: list[tuple[str, int, int]], frozen: int
) -> None:
    """Of the collector, another pool and anybody else; nothing else in a record is touched."""
    made = _allowing()
    made.send(made.p.enforcer, "setFrozenTokens", made.owner, 0)
    made.send(made.receiver, "transfer", made.owner, made.read("balanceOf", made.receiver))
    made.send(made.p.enforcer, "setFrozenTokens", made.owner, frozen)
    for spender in made.spenders:
        made.send(made.owner, "approve", spender, 0)
    held, allowed = 100, [0, 0, 0]
    for what, number, amount in steps:
        spender = made.spenders[number]
        if what == "approve":
            made.send(made.owner, "approve", spender, amount)
            allowed[number] = amount
        elif amount <= min(allowed[number], held - frozen):
            made.send(spender, "transferFrom", made.owner, made.receiver, amount)
            held -= amount
            allowed[number] -= amount if allowed[number] < UNLIMITED else 0
        else:
            with pytest.raises(RevertedError):
                made.send(spender, "transferFrom", made.owner, made.receiver, amount)
        assert made.allowed() == allowed
        for spender, left in zip(made.spenders, allowed, strict=True):
            assert made.read("spendable", made.owner, spender) == min(left, held - frozen)
        assert made.read("balanceOf", made.owner) == held
        assert made.read("balanceOf", made.receiver) == 100 - held
        assert made.read("getFrozenTokens", made.owner) == frozen
        assert made.read("canSend", made.owner) and not made.read("isPool", made.owner)


def test_the_first_pool_is_the_collector_and_what_was_allowed_before_counts() -> None:
    made = Allowing()
    for spender in made.spenders:
        made.send(made.owner, "approve", spender, 7)
    for pool in (made.lending, made.desk, made.lending):
        made.send(made.p.admin, "name_pool", pool)
        assert str(made.read("collector")).lower() == made.lending
        assert made.allowed() == [7, 7, 7]
    made.send(made.lending, "transferFrom", made.owner, made.receiver, 3)
    made.send(made.owner, "approve", made.desk, 5)
    assert made.allowed() == [4, 5, 7]
    made.send(made.owner, "approve", made.lending, 9)
    made.send(made.desk, "transferFrom", made.owner, made.receiver, 5)
    assert made.allowed() == [9, 0, 7]
