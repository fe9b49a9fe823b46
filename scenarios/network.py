"""Who lends to whom: the topologies of the lending network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from scenarios.table import Table

Probability = Annotated[float, Field(gt=0, le=1)]
AtLeastOne = Annotated[int, Field(ge=1)]


class _Topology(Table):
    loans_per_edge: AtLeastOne = 1
    """Loans between each pair."""

    def model_post_init(self, context: Any, /) -> None:
        """Count `topology` as given: a dump of what was set must say which topology it is."""
        self.model_fields_set.add("topology")


class Complete(_Topology):
    """Every lender lends to every borrower; dealers do both. One of each is the paper's pair."""

    topology: Literal["complete"] = "complete"


class RandomBipartite(_Topology):
    """Every borrower borrows from `lenders_per_borrower` lenders, drawn at random."""

    topology: Literal["random-bipartite"]
    lenders_per_borrower: AtLeastOne = 3


class CorePeriphery(_Topology):
    """Lenders lend to dealers, dealers to borrowers and to one another."""

    topology: Literal["core-periphery"]
    dealers_per_lender: AtLeastOne = 2
    dealers_per_borrower: AtLeastOne = 2
    core_density: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Probability of a loan from one dealer to another."""


class ScaleFree(_Topology):
    """Borrowers attach to lenders in proportion to a power-law weight: a few have most loans.

    The static model of Goh, Kahng and Kim (2001): degrees of the lenders have the tail exponent
    `gamma`.
    """

    topology: Literal["scale-free"]
    gamma: Annotated[float, Field(gt=2, allow_inf_nan=False)] = 2.5
    lenders_per_borrower: AtLeastOne = 3


class AgentLender(_Topology):
    """A star: one dealer, the agent lender, stands between all lenders and all borrowers."""

    topology: Literal["agent-lender"]


class FromFile(_Topology):
    """A network of the user's own.

    A CSV with columns `lender`, `borrower` and, if wanted, `loan_id`, `agreement`, `principal`,
    `lent_token`, `start`, `maturity`, `at_maturity`, `open_ended`, `age`, `concentration`, and a
    column a token of `lent.TOKEN`, `collateral.TOKEN` and `composition.TOKEN`; or GraphML with
    these as edge attributes and edges from lender to borrower. They mean what they mean in
    `[[loans]]`; what a cell leaves open is as in `[loan]`.
    """

    topology: Literal["file"]
    file: str
    loans_per_edge: Annotated[int, Field(ge=1, le=1)] = 1
    """A loan a row: further loans between a pair are further rows."""

    @field_validator("file")
    @classmethod
    def _resolve(cls, file: str, info: ValidationInfo) -> str:
        folder = (info.context or {}).get("folder")
        return str(Path(folder, file)) if folder else file


class OwnTopology(_Topology):
    """Edges that a function of the user's own draws.

    It is called with `lenders`, `borrowers` and `dealers` (rows of the participants of each role),
    `rng` (the only source of randomness that it may use) and the `parameters`, and gives two arrays
    of rows: the lender and the borrower of each edge.
    """

    topology: Literal["own"]
    use: str
    """The function, as `module:name`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Handed over by name."""


AnyTopology = Annotated[
    Complete | RandomBipartite | CorePeriphery | ScaleFree | AgentLender | FromFile | OwnTopology,
    Field(discriminator="topology"),
]
