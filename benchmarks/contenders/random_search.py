"""`keras_tuner.RandomSearch` with the task as its hypermodel, on whatever backend Keras has."""

from __future__ import annotations

import keras_tuner

from benchmarks.record import SOURCE, Clock, Request, Trained
from suite.errors import SuiteError
from suite.registry import Plugin, load
from suite.study import Dependent, Levels, Study
from suite.studyfiles import load_matrix

SEED = 1


def train(request: Request, plugin: Plugin, clock: Clock) -> Trained:
    """Search the study's levels, at random and as KerasTuner does it; other factors at default."""
    with clock("data"):
        task = load(plugin, SOURCE)
        data = task.dataset
    epochs = request.epochs or task.epochs
    with clock("importing"):  # what Keras imports or sets up on its first model is not a trial's
        task.build(keras_tuner.HyperParameters()).get_config()
    with clock("training"):
        tuner = keras_tuner.RandomSearch(
            task,
            objective=task.objective,
            max_trials=request.trials,
            seed=SEED,
            hyperparameters=space(load_matrix(request.study).at("standard")),
            tune_new_entries=False,
            executions_per_trial=1,
            # A diverged objective is a failure to KerasTuner, and three in a row end a search.
            max_consecutive_failed_trials=request.trials + 1,
            directory=request.folder,
            project_name="search",
        )
        validation = (data.val.x, data.val.y)
        tuner.search(
            data.train.x, data.train.y, validation_data=validation, epochs=epochs, verbose=0
        )
    return Trained(trained(tuner), epochs)


def trained(tuner: keras_tuner.Tuner) -> int:
    """Trials that ran to their last epoch; SuiteError where one raised."""
    trials = list(tuner.oracle.trials.values())
    messages = [trial.message for trial in trials if trial.message]
    if messages:
        last = messages[0].strip().splitlines()[-1]
        raise SuiteError(f"{len(messages)} of {len(trials)} trials failed: {last}")
    return len(trials)


def space(study: Study) -> keras_tuner.HyperParameters:
    """The study's factors and levels as KerasTuner declares them.

    A factor whose levels depend on another's gets the levels of all: KerasTuner 1.4.8 loses the
    value of a hyperparameter that is declared under several conditions. A trial costs the same.
    """
    hp = keras_tuner.HyperParameters()
    for name, value in study.fixed.items():
        hp.Fixed(name, value)
    for name, levels in {**study.factors, **study.nuisance}.items():
        own = every_level(study, levels) if isinstance(levels, Dependent) else levels
        if isinstance(own[0], bool):
            hp.Boolean(name)
        else:
            hp.Choice(name, own)
    return hp


def every_level(study: Study, nuisance: Dependent) -> Levels:
    """Every level that the study's matrix has of a dependent factor, each once."""
    groups = (nuisance.levels[str(level)] for level in study.factors[nuisance.by])
    return list(dict.fromkeys(level for group in groups for level in group))
