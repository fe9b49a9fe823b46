"""The compiled contracts, and how they are compiled again: `python -m abm.chain.artefacts`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "contracts"
CONTRACTS = ("Token", "Custodian", "Oracle", "Lending", "Loans", "CloseOut")
PARTS = {"Lending": ("Loans",)}
"""Contracts whose functions another one runs on its own storage, at its own address."""
COMPILER = "0.4.3"
"""The version of Vyper that the sources name."""


@dataclass(frozen=True)
class Artefact:
    """A compiled contract."""

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    """What deploys it, before the constructor's arguments."""

    @property
    def constructor(self) -> list[str]:
        """ABI types of the constructor's arguments."""
        for entry in self.abi:
            if entry["type"] == "constructor":
                return [argument["type"] for argument in entry["inputs"]]
        return []


@cache
def artefact(name: str) -> Artefact:
    """A compiled contract by name, from the package; its functions are those of its parts, too."""
    table = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    abi = list(table["abi"])
    for part in PARTS.get(name, ()):
        abi += [
            entry
            for entry in artefact(part).abi
            if entry["type"] != "constructor" and entry not in abi
        ]
    return Artefact(name, abi, bytes.fromhex(table["bytecode"]))


def compile_source(name: str) -> str:
    """The text of a contract's artefact, compiled from its source.

    Needs the Vyper compiler; the package does not, for the artefacts are part of it.
    """
    from vyper.compiler import compile_code
    from vyper.compiler.input_bundle import FilesystemInputBundle

    source = (FOLDER / f"{name}.vy").read_text(encoding="utf-8")
    modules = FilesystemInputBundle([FOLDER])
    made = compile_code(source, input_bundle=modules, output_formats=["abi", "bytecode"])
    abi = [
        {key: value for key, value in entry.items() if key != "gas"}
        for entry in made["abi"]
        if entry["type"] != "fallback"
    ]
    table = {"compiler": COMPILER, "abi": abi, "bytecode": made["bytecode"].removeprefix("0x")}
    return json.dumps(table, sort_keys=True, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    for contract in CONTRACTS:
        (FOLDER / f"{contract}.json").write_text(compile_source(contract), encoding="utf-8")
