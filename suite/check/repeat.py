"""Repeat: one seed gives one result: data, models and trainings are the same every time."""

from __future__ import annotations

from collections.abc import Iterator

from suite.check.note import TRAINING, Finding, Note
from suite.check.pieces import curves_gap
from suite.check.sketch import difference, sketch_of
from suite.check.subject import EPOCHS, SOURCE, Subject
from suite.engines.fleet import FleetEngine
from suite.registry import load

SAME = 1e-3
"""Relative difference that rounding may make in programs that are compiled apart."""
SEEDS = "numpy.random.default_rng(0), random_state=0, sorted(...) in place of a set's order"


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    sketch, fingerprint = subject.sketch({}).content(), subject.data.fingerprint
    again = subject.data_of(load(subject.plugin, SOURCE)).fingerprint
    there = subject.second.answer()
    if "error" in there:
        yield Finding(
            f"The task cannot be loaded in a process of its own: {there['error']}",
            "Winners are trained again in another process.",
            "Let the file depend on nothing that another one leaves behind.",
        )
        there = {"sketch": sketch, "fingerprint": fingerprint}
    if again != fingerprint:
        yield _data("two loads in one process", fingerprint, again)
    elif there["fingerprint"] != fingerprint:
        yield _data("this process and a second one", fingerprint, there["fingerprint"])
    twice = sketch_of(subject.task, {}, subject.data).content()
    differs = difference(sketch, twice) or difference(sketch, there["sketch"])
    if differs:
        yield Finding(
            f"build(hp) makes another model each time, on the same hyperparameters: {differs} "
            "differ.",
            "The same trial is another one when it is trained again: nothing can be paired by "
            "seed, and `reproduce` fails.",
            f"Draw nothing in build(hp) but with a fixed seed: {SEEDS}.",
            spoils=(TRAINING,),
        )
        return
    yield from _trained(subject)


def _data(between: str, one: str, other: str) -> Finding:
    return Finding(
        f"data() is another one each time: between {between} its fingerprint changes from {one} "
        f"to {other}.",
        "Trials of one results folder are trained and judged on different rows.",
        f"Split and draw with fixed seeds: {SEEDS}.",
    )


def _trained(subject: Subject) -> Iterator[Note]:
    """The fleet against `model.fit`, both built and traced anew; if they differ, against itself."""
    first, reference = subject.short({}), subject.fitted({})
    if first.status == reference.status and curves_gap(first, reference) <= SAME:
        return
    ((second,),) = FleetEngine().train(subject.few, [subject.trial({})], subject.watcher)
    gap = curves_gap(first, second)
    if first.status != second.status or gap > SAME:
        statuses = {first.status, second.status}
        words = f"ended {' and '.join(sorted(statuses))}" if len(statuses) > 1 else ""
        yield Finding(
            f"The same trial, trained twice for {EPOCHS} epochs, "
            f"{words or f'gave curves that differ by {gap:.1e}'} (relative; {SAME:g} is allowed).",
            "Pairs of trials differ by more than the technique between them.",
            "Draw random numbers in layers with keras.random and a keras.random.SeedGenerator that "
            "the layer owns; draw none in losses and metrics.",
            spoils=(TRAINING,),
        )
