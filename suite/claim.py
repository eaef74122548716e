"""Claims: sentences of a study file that its trials confirm or do not, declared before it runs."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from suite.errors import StudyError
from suite.part import Part, ValidLevel

Measure = Literal[
    "score",
    "gap",
    "epochs",
    "rises",
    "jitter",
    "seconds",
    "sparsity",
    "decay",
    "gradient",
    "update",
    "diverged",
]
MEASURES: tuple[str, ...] = get_args(Measure)
MEANINGS = {
    "score": "the task's metric on test",
    "gap": "objective on validation less that on train (the other way where most is best), last "
    "epoch",
    "epochs": "epochs until the objective on validation is 90% of the way to the best recipe's",
    "rises": "share of the epochs in which the loss on train rose",
    "jitter": "share of the epochs up to the best one in which the objective on validation rose",
    "seconds": "seconds an epoch of one trial took, in its fleet",
    "sparsity": "share of weights below a thousandth at the selected epoch",
    "decay": "powers of ten by which the gradient is smaller in the first layer than in the last, "
    "epoch 1",
    "gradient": "the largest gradient norm of a layer in epoch 1, in powers of ten",
    "update": "the smallest update-to-weight ratio of a layer and epoch, in powers of ten",
    "diverged": "share of trials that diverged",
    "regret": "mean distance to the best objective known, over the whole budget of a search",
}
"""What a claim can be about, one figure a trial."""
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Claim(Part):
    """One claim: two levels compared, or one figure held against a number.

    Attributes:
        claim: the sentence that is tested.
        measure: what is compared, one of `MEANINGS`.
        factor, level, reference: what must differ; all three, or none.
        than: instead of them, the number that the measure is held against.
        direction: where the measure must lie of the reference, or of `than`.
        where: levels of other factors that the trials must have.
        over: the measure's range over the levels of this factor takes the measure's place:
            how much it depends on that factor.
        tuned: each side takes the recipe that is best on validation; the mean over all otherwise.
        tasks: where the claim is tested; empty for every task of the run.
        smallest: the smallest difference worth knowing; that of the study for a score.
    """

    claim: str
    measure: Measure = "score"
    factor: str | None = None
    level: ValidLevel | None = None
    reference: ValidLevel | None = None
    than: Finite | None = None
    direction: Literal["higher", "lower"]
    where: dict[str, ValidLevel] = Field(default_factory=dict)
    over: str | None = None
    tuned: bool = False
    tasks: list[str] = Field(default_factory=list)
    smallest: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Claim:
        contrast = [self.factor, self.level, self.reference]
        given = [part is not None for part in contrast]
        if self.than is None and not all(given):
            raise StudyError(
                f"Expected the claim {self.claim!r} to have factor, level and reference, or than. "
                f"Received: factor={self.factor!r}, level={self.level!r}, "
                f"reference={self.reference!r}."
            )
        if self.than is not None and any(given):
            raise StudyError(
                f"Expected the claim {self.claim!r} to compare two levels, or to hold a measure "
                f"against a number. Received: factor={self.factor!r} and than={self.than:g}."
            )
        if self.than is None and self.level == self.reference:
            raise StudyError(
                f"Expected the claim {self.claim!r} to compare two levels. "
                f"Received: level={self.level!r} twice."
            )
        return self

    @property
    def sign(self) -> float:
        """1 where higher confirms the claim, -1 where lower does."""
        return 1.0 if self.direction == "higher" else -1.0
