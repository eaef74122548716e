"""The fleet's eye: what one step of Keras' own shows of a model, traced with all the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import keras
from jax import lax

from suite.anatomy import Site
from suite.engines.probe import activity, norms, penalties, watched
from suite.engines.sight import ACTIVITY, NORMS, PREFIX, flat


class Heard:
    """What a training step lets slip while it is traced.

    Attributes:
        gradients: of the step's whole loss, penalties included; None where it computed none.
        activations: by number of their site, once `without` was called.
    """

    def __init__(self, rest: int) -> None:
        self.gradients: Sequence[Any] | None = None
        self.activations: dict[int, Any] = {}
        self.sites: list[int] = []
        self._rest = rest

    def without(self, values: Sequence[Any]) -> list[Any]:
        """Non-trainable variables, the activations behind them taken off."""
        self.activations = dict(zip(self.sites, values[self._rest :], strict=True))
        return list(values[: self._rest])


class Eye:
    """Looks at a step where it is told to.

    Args:
        model: built.
        sites: as `suite.anatomy.sites_of` gives them.
        units: how many units each site has.

    Attributes:
        open: whether the model's step lets anything slip; known once it was traced.
    """

    def __init__(self, model: keras.Model, sites: Sequence[Site], units: Sequence[int]) -> None:
        self.model = model
        self.sites = sites
        self.units = units
        self.open = True

    def nothing(self) -> dict[str, jax.Array]:
        """What a look gives, before there was one."""
        count = len(self.model.trainable_variables)
        found = {f"{PREFIX}{name}": jnp.zeros(count) for name in NORMS}
        for name in ACTIVITY:
            found |= {f"{PREFIX}{name}/{i}": jnp.zeros(n) for i, n in enumerate(self.units)}
        return found

    @contextmanager
    def overheard(self) -> Iterator[Heard]:
        """While Keras' own `train_step` is traced: its gradients and activations.

        The activations are values inside a gradient, so they have to leave it as Keras' own do:
        behind the non-trainable variables. A user's own step that calls neither
        `compute_loss_and_updates` nor `optimizer.stateless_apply` lets nothing slip.
        """
        model, optimizer = self.model, self.model.optimizer
        heard = Heard(len(model.non_trainable_variables))
        compute, apply = model.compute_loss_and_updates, optimizer.stateless_apply

        def computed(*args: Any, **kwargs: Any) -> Any:
            with watched(self.sites) as seen:
                loss, (unscaled, outputs, rest, metrics) = compute(*args, **kwargs)
            heard.sites = sorted(seen)
            return loss, (unscaled, outputs, [*rest, *(seen[i] for i in heard.sites)], metrics)

        def applied(variables: Any, gradients: Sequence[Any], trainable: Any) -> Any:
            heard.gradients = gradients
            return apply(variables, gradients, trainable)

        vars(model)["compute_loss_and_updates"] = computed
        vars(optimizer)["stateless_apply"] = applied
        try:
            yield heard
        finally:
            vars(model).pop("compute_loss_and_updates")
            vars(optimizer).pop("stateless_apply")

    def look(
        self,
        looking: jax.Array,
        heard: Heard,
        before: list[jax.Array],
        after: list[jax.Array],
        seen: dict[str, jax.Array],
    ) -> dict[str, jax.Array]:
        """What the step from `before` to `after` shows where `looking`; else `seen` as it was."""
        if heard.gradients is None:
            self.open = False
            return seen
        inputs = (list(heard.gradients), heard.activations, before, after)

        def looked(gradients: Any, activations: Any, before: Any, after: Any) -> Any:
            own = self._of_the_loss(gradients, before)
            return flat(norms(own, before, after) | activity(self.sites, activations))

        def passed(*_: Any) -> Any:
            return seen

        found: dict[str, jax.Array] = lax.cond(looking, looked, passed, *inputs)
        return found

    def _of_the_loss(self, gradients: list[jax.Array], values: list[jax.Array]) -> list[jax.Array]:
        """The gradients without those of the penalties."""
        variables = self.model.trainable_variables
        if penalties(variables, values) is None:
            return gradients
        extra = jax.grad(lambda inner: penalties(variables, inner))(values)
        return [whole - own for whole, own in zip(gradients, extra, strict=True)]
