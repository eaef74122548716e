"""What merging costs and saves: families share a hull where that takes less time, nowhere else."""

from __future__ import annotations

from itertools import product

import pytest
from support import trial

from suite.engines.size import COMPILE_SECONDS, berthings, member_seconds
from suite.families import group
from suite.hull import Hull, mergeable

ROWS = 4225  # of churn's training split
TECHNIQUES = 1152  # trials of churn in the standard matrix


@pytest.fixture(scope="module")
def matrix(churn):
    """The families of the standard matrix of techniques, from a trial of each, 20 epochs long."""
    trials = [
        trial("churn", epochs=20, optimizer=optimizer, batch_norm=norm, dropout=dropout, l2=l2)
        for optimizer, norm, dropout, l2 in product(
            ("sgd", "momentum", "adam"), (False, True), (0.0, 0.3), (0.0, 1e-3)
        )
    ]
    families, _ = group(churn, churn.dataset, trials)
    return families


def test_plain_sgd_and_momentum_are_one_family_of_the_matrix(matrix):
    """2 optimizers x batch normalization, where there were 3: momentum is a number."""
    assert sorted(len(family.members) for family in matrix) == [4, 4, 8, 8]
    optimizers = [{m.trial.hp["optimizer"] for m in family.members} for family in matrix]
    assert sorted(map(sorted, optimizers)) == [["adam"], ["adam"], *[["momentum", "sgd"]] * 2]


@pytest.mark.parametrize("trials", [24, TECHNIQUES, 100_000])
def test_families_are_merged_where_that_costs_less_than_it_saves(matrix, trials):
    """The time that the hull's extra work takes, against a program compiled less."""
    kinds: dict[str, list] = {}
    for family in matrix:
        kinds.setdefault(mergeable(family), []).append(family)
    assert len(kinds) == 2  # no hull has two optimizers
    share = trials / sum(len(family.members) for family in matrix)

    def weight(family) -> float:
        return share * len(family.members)

    for families in kinds.values():
        whole = member_seconds(Hull(families).family(), ROWS)
        dearer = sum(weight(f) * (whole - member_seconds(f, ROWS)) for f in families)
        assert dearer > 0
        found = berthings(families, ROWS, weight)
        assert len(found) == (1 if dearer <= COMPILE_SECONDS else 2)
        assert sum(len(own) for _, own in found) == len(families)


def test_few_trials_are_merged_and_a_large_matrix_keeps_batch_normalization_apart(matrix):
    """So a search of a few trials compiles half, and a large matrix trains at full speed."""
    own = [f for f in matrix if f.members[0].trial.hp["optimizer"] == "adam"]
    counts = [
        len(berthings(own, ROWS, lambda family, n=n: n * len(family.members) / 24))
        for n in (24, 10 * TECHNIQUES)
    ]
    assert counts == [1, 2]


def test_many_sizes_are_berthed_cheaper_than_all_together_or_each_alone(churn):
    """Small models share a hull, which large ones would make dear."""
    sizes = product((8, 16, 64, 256), (1, 3))
    families, _ = group(churn, churn.dataset, [trial("churn", units=u, depth=d) for u, d in sizes])

    def seconds(berthing) -> float:
        hull, own = berthing
        family = hull.family() if hull else own[0]
        return COMPILE_SECONDS + 100 * len(own) * member_seconds(family, ROWS)

    found = berthings(families, ROWS, lambda _: 100.0)
    assert 1 < len(found) < len(families)
    assert sum(len(own) for _, own in found) == len(families)
    together = seconds((Hull(families), families))
    apart = sum(seconds((None, [family])) for family in families)
    assert sum(map(seconds, found)) < min(together, apart)
