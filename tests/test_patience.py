"""Early stopping: the rule of `keras.callbacks.EarlyStopping`, on any curve."""

from __future__ import annotations

import keras
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.engines.patience import Patience, Wait

figures = st.floats(-2, 2, allow_nan=False, width=16)


@settings(deadline=None)
@given(
    curve=st.lists(figures | st.just(float("nan")), min_size=1, max_size=20),
    patience=st.integers(1, 5),
    min_delta=st.sampled_from([0.0, 0.25, 1.0]),
    start=st.integers(0, 4),
    direction=st.sampled_from(["min", "max"]),
)
def test_it_stops_where_keras_stops(curve, patience, min_delta, start, direction):
    """Epoch for epoch, whatever patience, least improvement and first epoch."""
    callback = keras.callbacks.EarlyStopping(
        "val_loss",
        patience=patience,
        min_delta=min_delta,
        start_from_epoch=start,
        mode=direction,
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.stop_training = False
    callback.set_model(model)
    callback.on_train_begin()
    wait = Wait(Patience("val_loss", direction, patience, min_delta, start))
    for epoch, value in enumerate(curve):
        callback.on_epoch_end(epoch, {"val_loss": value})
        assert wait.over(epoch + 1, value) == bool(model.stop_training)
        if model.stop_training:
            return
