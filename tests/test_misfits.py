"""Models that a hull could get wrong: merged or not, a member gives what it gives alone."""

from __future__ import annotations

import keras
import pytest
from support import gap, small_task, train, trial

from suite.engines.fit import FitEngine
from suite.engines.fleet import FleetEngine
from suite.families import group
from suite.hull import Hull, Misfit
from suite.task import Task

LAYERS = keras.layers
CLOSE = 2e-4


class Own(Task):
    """A user's model: `parts(hp)` makes its hidden layers, `optimizer(hp)` its optimizer."""

    objective = "val_loss"
    metric = "roc_auc"

    def __init__(self, data, parts, optimizer=None, loss=None) -> None:
        super().__init__()
        self.__dict__["dataset"] = data
        self.parts = parts
        self.optimizer = optimizer or (lambda _: keras.optimizers.Adam(0.01))
        self.loss = loss or (lambda _: "binary_crossentropy")

    def build(self, hp):
        hp.Int("units", 2, 64, default=8)
        output = LAYERS.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input(self.input_shape), *self.parts(hp), output])
        model.compile(self.optimizer(hp), self.loss(hp))
        return model


def berths(task, trials) -> int:
    """How many programs `trials` would train in."""
    port = FleetEngine().port(task)
    families, refusals = group(task, task.dataset, trials)
    assert not refusals
    return len({id(leg.berth) for leg in port.berths.legs(families, None)[0]})


def as_alone(task, trials, probes) -> None:
    """`trials` train together; each of `probes` gives what it gives alone."""
    together = train(FleetEngine(), task, trials)
    for one in probes:
        alone = train(FleetEngine(), task, [one])[one.key]
        assert together[one.key].status == alone.status, together[one.key].message
        assert gap(together[one.key].curves, alone.curves) < CLOSE, one.recipe
        assert together[one.key].metrics == pytest.approx(alone.metrics, abs=2e-3)


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Merging always pays, so that whatever can be merged is."""
    monkeypatch.setattr("suite.engines.size.COMPILE_SECONDS", 1e6)


def two_widths(**hp):
    """A narrow and a wide one."""
    return [trial("own", units=units, epochs=2, **hp) for units in (6, 20)]


def hidden(*extra, **options):
    """A recipe of hidden layers: a dense one of `units`, what is given, and another dense one."""

    def parts(hp):
        made = [part() for part in extra]
        return [
            LAYERS.Dense(hp.get("units"), **options),
            *made,
            LAYERS.Dense(5, activation="relu"),
        ]

    return parts


MERGED = {
    "a bias that starts at 1": hidden(bias_initializer="ones", activation="relu"),
    "an offset that starts at 1": hidden(
        lambda: LAYERS.BatchNormalization(beta_initializer="ones"), LAYERS.ReLU
    ),
    "a penalty on scales": hidden(lambda: LAYERS.BatchNormalization(gamma_regularizer="l2")),
    "a wide second layer behind a fused sigmoid": hidden(activation="hard_sigmoid"),
    "frozen layers": hidden(trainable=False, activation="relu"),
}


@pytest.mark.parametrize("name", MERGED)
def test_units_of_no_weight_are_silent(churn, name):
    """Whatever a layer's constants are, padding adds nothing; one program trains both widths."""
    task, trials = Own(churn.dataset, MERGED[name]), two_widths()
    assert berths(task, trials) == 1
    as_alone(task, trials, trials[:1])


def local_activation(x):
    """Looks at all units, which no config tells."""
    return x / (1 + keras.ops.sum(keras.ops.abs(x), axis=-1, keepdims=True))


APART = {
    "softmax fused in the middle": hidden(activation="softmax"),
    "softmax as a layer": hidden(lambda: LAYERS.Activation("softmax")),
    "log softmax": hidden(lambda: LAYERS.Activation("log_softmax")),
    "a function of the user's own": hidden(activation=local_activation),
    "a penalty that looks at all units": hidden(
        kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.1)
    ),
    "a constraint": hidden(kernel_constraint="unit_norm"),
    "channels elsewhere": hidden(
        lambda: LAYERS.Reshape((-1, 2)), lambda: LAYERS.BatchNormalization(axis=1), LAYERS.Flatten
    ),
    "layer normalization": hidden(LAYERS.LayerNormalization),
}


@pytest.mark.parametrize("name", APART)
def test_what_may_look_at_all_units_has_its_own_program(churn, name):
    """Zeros beside its units could change it, so nothing is padded."""
    assert berths(Own(churn.dataset, APART[name]), two_widths()) == 2


@pytest.mark.parametrize("make", [keras.optimizers.Adafactor, keras.optimizers.Muon])
def test_an_optimizer_that_looks_at_a_whole_kernel_has_its_own_program(churn, make):
    """Adafactor averages over rows and columns, Muon makes steps orthogonal."""
    task = Own(churn.dataset, hidden(activation="relu"), lambda _: make(0.01))
    assert berths(task, two_widths()) == 2


def test_a_layer_with_a_penalty_on_its_outputs_is_not_stepped_over(churn):
    """Else a model that lacks it would be fined for what passes by."""

    def parts(hp):
        fined = LAYERS.Activation("relu", activity_regularizer="l2")
        return [LAYERS.Dense(8), *([fined] if hp.get("units") > 8 else [LAYERS.ReLU()])]

    assert berths(Own(churn.dataset, parts), two_widths()) == 2


def test_a_frozen_layer_and_a_trained_one_share_no_slot(churn):
    """One of them would be trained as the other is."""

    def parts(hp):
        return [LAYERS.Dense(hp.get("units"), "tanh", trainable=hp.get("units") > 8)]

    task, trials = Own(churn.dataset, parts), two_widths()
    assert berths(task, trials) == 1  # each steps over the other's layer
    as_alone(task, trials, trials)


def test_dropout_of_one_mask_for_several_units_keeps_its_mask(churn):
    """`noise_shape` holds where the rate is an input of the program."""

    def parts(hp):
        rate = 0.2 if hp.get("units") > 8 else 0.4
        return [LAYERS.Dense(8), LAYERS.Dropout(rate, noise_shape=(None, 1)), LAYERS.ReLU()]

    task, trials = Own(churn.dataset, parts), two_widths()
    assert berths(task, trials) == 1
    fleet, fit = (train(engine, task, trials) for engine in (FleetEngine(), FitEngine()))
    assert max(gap(fleet[t.key].curves, fit[t.key].curves) for t in trials) < 1e-3


def closure(weight):
    """A loss that holds a hyperparameter of its recipe."""

    def loss(y, outputs):
        return weight * keras.losses.binary_crossentropy(y, outputs)

    return loss


class Weighed(keras.losses.Loss):
    """A loss whose config does not tell its weight."""

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def call(self, y, outputs):
        return self.weight * keras.losses.binary_crossentropy(y, outputs)


@pytest.mark.parametrize("make", [closure, Weighed])
def test_a_loss_that_holds_a_hyperparameter_is_not_mistaken_for_another(churn, make):
    """Twice the weight is twice the loss, though both configs are the same."""
    task = Own(churn.dataset, hidden(), loss=lambda hp: make(0.1 * hp.get("units")))
    trials = [trial("own", units=8, epochs=1), trial("own", units=16, epochs=1)]
    task.parts = lambda _: [LAYERS.Dense(8)]
    assert berths(task, trials) == 2


def test_functional_and_subclassed_models_have_their_own_programs(churn):
    """Only the layers of a sequential model can be lined up."""

    class Sub(keras.Sequential):
        pass

    class Other(Own):
        def build(self, hp):
            x = keras.Input((40,))
            h = LAYERS.Dense(hp.get("units"), activation="relu")(x)
            out = LAYERS.Dense(1, activation="sigmoid")
            made = keras.Model(x, out(h)) if hp.get("units") < 10 else Sub([x, out])
            made.compile("adam", "binary_crossentropy")
            return made

    assert berths(Other(churn.dataset, list), two_widths()) == 2


def test_a_later_model_with_a_bias_that_the_hull_lacks_is_a_misfit(churn):
    """Its bias would be lost without a word."""

    def parts(hp):
        return [LAYERS.Dense(hp.get("units"), "relu", use_bias=hp.get("units") == 7)]

    task = Own(churn.dataset, parts)
    families, _ = group(task, task.dataset, two_widths())
    (later,), _ = group(task, task.dataset, [trial("own", units=7)])
    with pytest.raises(Misfit, match="a weight that the hull lacks"):
        Hull(families).seat(later)


def readings() -> list:
    """Text read in both ways, each by a narrow and a wide model."""
    levels = {"dropout": 0.2, "epochs": 1, "learning_rate": 0.01}
    return [
        trial("text", units=units, reader=reader, **levels)
        for reader in ("pooled", "gru")
        for units in (16, 32)
    ]


def test_both_readers_of_text_are_merged_within_and_kept_apart():
    """A GRU is no mean."""
    assert berths(small_task("text"), readings()) == 2


@pytest.mark.parametrize("reader", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_each_reader_of_text_reads_in_a_hull_what_it_reads_alone(reader):
    """The mask of a text's end reaches it; dropout behind a cell draws the same numbers."""
    narrow_and_wide = readings()[reader : reader + 2]
    as_alone(small_task("text"), narrow_and_wide, narrow_and_wide[:1])
