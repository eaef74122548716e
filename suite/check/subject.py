"""The task under examination, with what several examiners need of it, made once."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from suite.check.full import Full
from suite.check.pieces import cut, on
from suite.check.recipes import STRONG, Declared, Recipe, all_on, declared
from suite.check.second import SecondProcess
from suite.check.sketch import Sketch, other_model, same_model, sketch_of
from suite.data import Data
from suite.engines.engine import Watcher
from suite.engines.fit import FitEngine
from suite.engines.fleet import FleetEngine
from suite.engines.port import Port
from suite.errors import PluginError
from suite.registry import Plugin, load
from suite.task import Task
from suite.trial import Level, Outcome, Trial, canonical

SOURCE = "embedded"
EPOCHS = 2
"""Epochs of a short training: enough for a level to show."""
FEW = {"train": 256, "val": 96, "test": 64}
"""Rows of a short training."""


class Subject:
    """A plugin, loaded, and its models and short trainings, kept for the next examiner.

    Args:
        plugin: as the registry found it.
        watcher: is told what takes long.
    """

    def __init__(self, plugin: Plugin, watcher: Watcher) -> None:
        self.plugin = plugin
        self.watcher = watcher
        self._sketches: dict[str, Sketch] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._fitted: dict[str, Outcome] = {}

    @cached_property
    def task(self) -> Task:
        """The task with its data, in which splits may overlap; raises what the plugin raises."""
        task = load(self.plugin, SOURCE)
        task.dataset = self.data_of(task)  # on this one, whose build may ask for its shapes
        return task

    @property
    def data(self) -> Data:
        """The task's data, sound but for overlapping splits."""
        return self.task.dataset

    def data_of(self, task: Task) -> Data:
        """What `task` loads, held against all of the contract but for overlapping splits."""
        loaded = task.data(task.source)
        if not isinstance(loaded, Data):
            raise PluginError(
                f"Expected data() of task {task.name!r} to return a suite.Data. "
                f"Received: {type(loaded).__name__}."
            )
        replace(loaded, repeats=True).checked(task.name)
        return loaded

    @cached_property
    def second(self) -> SecondProcess:
        """The task in a process of its own, which loads it meanwhile."""
        return SecondProcess(self.plugin, SOURCE)

    def begin(self) -> None:
        """Start the second process."""
        assert self.second is not None

    def close(self) -> None:
        """End what still runs."""
        if "second" in vars(self):
            self.second.close()

    @cached_property
    def declared(self) -> list[Declared]:
        """The hyperparameters of the task."""
        return declared(self.task)

    @cached_property
    def all_on(self) -> Recipe:
        """The recipe with every standard factor switched on."""
        return all_on(self.task)

    def sketch(self, recipe: Recipe) -> Sketch:
        """The model of a recipe; built once."""
        key = canonical(dict(recipe))
        if key not in self._sketches:
            self._sketches[key] = sketch_of(self.task, recipe, self.data)
        return self._sketches[key]

    @cached_property
    def few(self) -> Task:
        """The task on few rows."""
        return on(self.task, cut(self.data, FEW))

    @cached_property
    def _port(self) -> Port:
        port = FleetEngine().port(self.few, expected=64)
        port.judge.metric = None  # curves are all that is looked at: half the compiling
        return port

    def trial(self, recipe: Recipe, seed: int = 0, epochs: int = EPOCHS) -> Trial:
        """A trial of this task."""
        return Trial(self.task.name, SOURCE, dict(recipe), seed, epochs)

    def short(self, recipe: Recipe) -> Outcome:
        """A short training of a recipe by the fleet, on few rows; trained once.

        The first call also trains whatever `open_recipes` lists: one program serves them all.
        """
        wanted = [recipe] if self._outcomes else [*self.open_recipes, recipe]
        keys = {canonical(dict(own)): own for own in wanted}
        fresh = [self.trial(own) for key, own in keys.items() if key not in self._outcomes]
        for chunk in self._port.train(fresh, self.watcher) if fresh else ():
            self._outcomes |= {outcome.trial.recipe: outcome for outcome in chunk}
        return self._outcomes[canonical(dict(recipe))]

    def fitted(self, recipe: Recipe) -> Outcome:
        """The same training by `model.fit`; trained once."""
        key = canonical(dict(recipe))
        if key not in self._fitted:
            trial = self.trial(recipe)
            ((self._fitted[key],),) = FitEngine().train(self.few, [trial], self.watcher)
        return self._fitted[key]

    @cached_property
    def open_recipes(self) -> list[Recipe]:
        """The defaults, and each level of which building alone does not tell whether it counts."""
        found: list[Recipe] = [{}]
        for own in self.declared:
            for level in own.levels:
                before, after = self.pair(own, level, {})
                one, other = self.built(before), self.built(after)
                if one and other and not (same_model(one, other) or other_model(one, other)):
                    found += [before, after]
        return found

    def pair(self, own: Declared, level: Level, base: Recipe) -> tuple[Recipe, Recipe]:
        """Two recipes that differ in one hyperparameter, the others as in `base`.

        Large steps let a small effect show, such as AdamW's decay; they are left out where the
        learning rate is no standard factor.
        """
        vivid = {**self._vivid, **base} if own.name not in self._vivid else base
        return {**vivid, **own.opened, own.name: own.default}, own.recipe(level, vivid)

    @cached_property
    def _vivid(self) -> Recipe:
        return {n: STRONG[n][0] for n in ("learning_rate",) if n in self.all_on}

    @cached_property
    def full(self) -> Full:
        """The task's training on its defaults, on as many rows as a score needs."""
        return Full(self.task, self.watcher)

    def built(self, recipe: Recipe) -> Sketch | None:
        """The model of a recipe, or None where it does not build, which the contract reports."""
        try:
            return self.sketch(recipe)
        except Exception:  # a plugin may raise anything; the contract's examiner tells what
            return None
