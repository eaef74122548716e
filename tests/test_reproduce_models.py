"""Models as source: constructors that make an equal model, or a refusal in one sentence."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from scripted import made_text, run_here, written
from support import few_rows, train, trial

from suite.data import Data, Split
from suite.engines.fit import FitEngine
from suite.errors import UsageError
from suite.reproduce.layers import model_lines
from suite.reproduce.metrics import metric_lines
from suite.reproduce.quantiles import initial
from suite.reproduce.source import call, laid_out, listed, literal
from suite.scoring import Judge
from suite.task import Task
from suite.trial import Outcome, Status
from suite.weights import DRAWN, WeightSpec, initial_weight

L = keras.layers
TRIAL = trial("own")


def compiled(*layers, optimizer="adam", loss="mse", metrics=None) -> keras.Model:
    """A compiled sequential model."""
    model = keras.Sequential(list(layers))
    model.compile(optimizer, loss, metrics=metrics)
    return model


SEQUENTIAL = {
    "images": lambda: compiled(
        keras.Input((8, 8, 3)),
        L.Rescaling(1 / 255, offset=-0.5),
        L.Conv2D(
            4, (3, 5), strides=2, padding="same", kernel_constraint=keras.constraints.MaxNorm(2)
        ),
        L.BatchNormalization(momentum=0.9, scale=False),
        L.LeakyReLU(0.1),
        L.AveragePooling2D((1, 2)),
        L.SpatialDropout2D(0.1),
        L.GlobalMaxPooling2D(),
        L.Dense(2, kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.1)),
    ),
    "words": lambda: compiled(
        keras.Input((7,), dtype="int32"),
        L.Embedding(9, 4, embeddings_regularizer=keras.regularizers.L2(0.01)),
        L.Bidirectional(L.LSTM(3, return_sequences=True, recurrent_dropout=0.2)),
        L.TimeDistributed(L.Dense(2, activation="tanh")),
        L.Conv1D(3, 2, name="mine", trainable=False),
        L.GlobalAveragePooling1D(),
        L.Dense(1, bias_initializer=keras.initializers.Constant(0.3)),
    ),
    "nested": lambda: compiled(
        keras.Input((4,)),
        keras.Sequential([L.Dense(3, keras.activations.gelu), L.GaussianNoise(0.1)]),
        L.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 1.0, 4.0]),
        L.Dense(2, "softmax"),
        optimizer=keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(0.1, 100, alpha=0.01),
            nesterov=True,
            momentum=0.5,
        ),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=[
            keras.metrics.AUC(name="area"),
            "accuracy",
            keras.metrics.TopKCategoricalAccuracy(2),
        ],
    ),
}


def functional() -> keras.Model:
    """Two inputs by name, one output."""
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    hidden = L.Dense(4, "relu", kernel_regularizer=keras.regularizers.L2(0.01))(left)
    joined = L.Dropout(0.2)(L.Concatenate()([hidden, right]))
    model = keras.Model({"left": left, "right": right}, L.Dense(1, "sigmoid")(joined))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    return model


@pytest.mark.parametrize(
    "made", [*SEQUENTIAL.values(), functional], ids=[*SEQUENTIAL, "functional"]
)
def test_the_source_makes_an_equal_model(made):
    """Run, it gives a model of the same layers, weights, loss and optimizer."""
    model = made()
    lines = model_lines(model)
    scope = {"keras": keras}
    exec("\n".join(lines), scope)
    again = scope["model"]
    assert model_lines(again) == lines
    shapes = [(w.shape, w.dtype, w.trainable) for w in model.weights]
    assert [(w.shape, w.dtype, w.trainable) for w in again.weights] == shapes
    assert max(map(len, lines)) <= 100
    theirs, ours = again.get_compile_config(), model.get_compile_config()
    for config in (theirs, ours):
        config["optimizer"]["config"].pop("name")
    assert json.dumps(theirs, default=str) == json.dumps(ours, default=str)
    assert [layer_config(x) for x in again.layers] == [layer_config(x) for x in model.layers]


def layer_config(layer: keras.layers.Layer) -> str:
    """A layer's config as text, without the names that Keras counts up."""
    config = json.dumps(layer.get_config(), default=str)
    return "".join(c for c in config if not c.isdigit()).replace('_"', '"')


def test_arguments_that_are_default_are_left_out():
    """What remains is what a person would write."""
    model = compiled(
        keras.Input((4,)),
        L.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.0, 0.0)),
        L.Dropout(0.0),
        L.Activation("relu"),
        L.Dense(1, use_bias=False, kernel_initializer="he_normal"),
        optimizer=keras.optimizers.Adam(0.003),
    )
    assert "\n".join(model_lines(model)) == (
        "model = keras.Sequential(\n"
        "    [\n"
        "        keras.Input((4,)),\n"
        "        keras.layers.Dense(3),\n"
        '        keras.layers.Activation("relu"),\n'
        '        keras.layers.Dense(1, use_bias=False, kernel_initializer="he_normal"),\n'
        "    ]\n"
        ")\n"
        'model.compile(keras.optimizers.Adam(0.003), "mse")'
    )


def test_source_is_broken_at_brackets_where_it_is_too_long():
    """Arguments go on one line if that holds them; else, and in lists, each has its own."""
    one, other = "a" * 52, literal("b" * 30)
    assert laid_out(listed(["a", "b"]), "x = ") == ["x = [a, b]"]
    assert laid_out(call("f", one, name=other), "x = ", indent="    ") == [
        "    x = f(",
        f"        {one}, name={other}",
        "    )",
    ]
    assert laid_out(call("f", one, listed([one])), trail=",") == [
        "f(",
        f"    {one},",
        f"    [{one}],",
        "),",
    ]
    assert laid_out(call("f", listed([one, one]))) == [
        "f(",
        "    [",
        *[f"        {one},"] * 2,
        "    ]",
        ")",
    ]


CONFIGS = {name: getattr(keras.initializers, name)().get_config() for name in DRAWN}
SHAPES = [(7,), (5, 3), (3, 5), (3, 3, 2, 4)]


DRAWS = [  # Keras has no orthogonal vectors
    (name, shape) for name in DRAWN for shape in SHAPES if name != "Orthogonal" or len(shape) > 1
]


@pytest.mark.parametrize(("name", "shape"), DRAWS, ids=str)
def test_initial_weights_are_those_of_the_suite(name, shape):
    """Every initializer's quantile function gives the same float32 numbers as `suite.weights`."""
    config = {key: value for key, value in CONFIGS[name].items() if key != "seed"}
    number = 2 if len(shape) > 1 else 1002
    serialized = json.dumps({"class_name": name, "config": config})
    spec = WeightSpec(shape, "float32", number, serialized)
    weights = [keras.Variable(np.zeros(shape, "float32")) for _ in range(3)]
    start = initial([np.zeros(shape), np.zeros(shape), spec], TRIAL)
    lines = [line for function in start.functions.values() for line in function]
    model = type("Model", (), {"weights": weights})
    scope = {"np": np, "SEED": 5, "model": model}
    exec("\n".join([*start.imports, *lines, *start.assignment()]), scope)
    assert np.array_equal(np.asarray(weights[2].value), initial_weight(spec, 5))
    assert not np.asarray(weights[0].value).any()


def test_initializers_of_one_class_have_functions_of_their_own():
    """Two normal distributions of different width are two functions."""
    specs = [
        WeightSpec(
            (2, 2),
            "float32",
            i,
            json.dumps({"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": std}}),
        )
        for i, std in enumerate((0.05, 0.1, 0.05))
    ]
    start = initial(specs, TRIAL)
    assert list(start.functions) == ["normal", "random_normal", "random_normal_2"]
    assert start.numbered == {0: "random_normal", 1: "random_normal_2", 2: "random_normal"}


@pytest.mark.parametrize(
    ("name", "targets", "outputs"),
    [
        ("accuracy", "classes", 3),
        ("accuracy", "binary", 1),
        ("roc_auc", "binary", 1),
        ("neg_mean_absolute_error", "numbers", 1),
        ("neg_mean_squared_error", "numbers", 1),
    ],
)
def test_metrics_are_those_of_scikit_learn(name, targets, outputs):
    """Written in numpy, for the shapes of targets and outputs they take, ties included."""
    random = np.random.default_rng(0)
    y = {
        "classes": random.integers(0, 3, 50),
        "binary": random.integers(0, 2, (50, 1)),
        "numbers": random.normal(size=(50, 1)),
    }[targets]
    p = np.round(random.random((50, outputs)), 1).astype("float32")
    p = p if outputs == 1 else (p + 0.1) / (p + 0.1).sum(axis=1, keepdims=True)
    scope = {"np": np}
    exec("\n".join(metric_lines(name, y.shape, (None, outputs))), scope)
    split = Split(p, y)
    data = Data(split, split, split, np.zeros(outputs), "", "", "", "", repeats=True)
    task = type("Judged", (Own,), {"metric": name})(data, functional)
    assert scope[name](y, p) == pytest.approx(Judge(task, data).score("val", p), rel=1e-6)


def share(y, outputs) -> float:
    """A user's metric."""
    return float(np.mean((outputs > 0.5) == y))


class Own(Task):
    """A user's model on given data."""

    objective = "val_loss"
    metric = share

    def __init__(self, data, made) -> None:
        super().__init__()
        self.__dict__["dataset"] = data
        self.made = made

    def build(self, hp):  # noqa: ARG002
        return self.made()


def pairs() -> Data:
    """Two inputs by name, one binary target; 64 rows a split."""
    random = np.random.default_rng(0)

    def split() -> Split:
        x = {"left": random.normal(size=(64, 3)), "right": random.normal(size=(64, 2))}
        y = (x["left"][:, :1] + x["right"][:, :1] > 0).astype("int32")
        return Split({name: array.astype("float32") for name, array in x.items()}, y)

    return few_rows(
        Data(split(), split(), split(), np.array([0.5]), "half", "pairs", "", "", repeats=True)
    )


def test_a_functional_model_on_named_inputs_gets_what_was_recorded(tmp_path):
    """From its config, its inputs a dict; a user's own metric is recorded, not computed."""
    task = Own(pairs(), functional)
    asked = trial("own", seed=4, epochs=2)
    outcome = train(FitEngine(), task, [asked])[asked.key]
    assert outcome.status is Status.COMPLETED, outcome.message
    path = written(task, outcome, tmp_path)
    compile(path.read_text(), str(path), "exec")
    assert max(map(len, path.read_text().splitlines())) <= 100
    code, output = run_here(path)
    assert code == 0, output
    assert output.startswith("val_loss: got ")
    assert "# Recorded as well: share 0." in path.read_text()


class OwnLayer(L.Dense):
    """A user's layer."""


class OwnModel(keras.Sequential):
    """A user's model."""


def own_loss(y, p):
    """A user's loss."""
    return keras.ops.mean((y - p) ** 2)


def adapted():
    """Statistics learned from data, which no argument of a layer tells."""
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).normal(2.0, 3.0, (99, 4)))
    return compiled(keras.Input((4,)), layer, L.Dense(1))


def subclassed():
    """A sequential model of a class of its own."""
    model = OwnModel([keras.Input((4,)), L.Dense(1)])
    model.compile("adam", "mse")
    return model


INPUT = keras.Input((4,))
REFUSED = {
    "OwnLayer": lambda: compiled(INPUT, OwnLayer(1)),
    "own_loss": lambda: compiled(INPUT, L.Dense(1), loss=own_loss),
    "OwnModel": subclassed,
    "<lambda>": lambda: compiled(INPUT, L.Dense(1), L.Lambda(lambda x: 2 * x)),
    "Identity": lambda: compiled(
        INPUT, L.Dense(4, kernel_initializer=keras.initializers.Identity())
    ),
    "normalization": adapted,
}


@pytest.mark.parametrize("clue", REFUSED)
def test_what_keras_alone_cannot_name_is_refused_in_one_sentence(clue):
    """It names the trial, the task and the culprit."""
    random = np.random.default_rng(0)
    split = Split(random.normal(size=(64, 4)).astype("float32"), np.zeros((64, 1), "int32"))
    data = Data(split, split, split, np.array([0.5]), "", "", "", "", repeats=True)
    task = Own(data, REFUSED[clue])
    outcome = Outcome(
        trial("own"),
        Status.COMPLETED,
        "fleet",
        1.0,
        1,
        {"val.loss": 0.5, "test.share": 0.5},
        {"loss": [0.5], "val_loss": [0.5]},
    )
    with pytest.raises(UsageError, match=clue) as caught:
        made_text(task, outcome)
    message = str(caught.value)
    assert message.startswith("Expected ")
    assert f"Received: trial='{outcome.trial.key}' of task 'own'" in message
    assert "\n" not in message
