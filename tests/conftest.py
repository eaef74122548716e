"""Settings of every test: JAX on two host devices, as the suite itself runs; no TensorFlow."""

from __future__ import annotations

from suite.environment import settle, spare_tensorflow

settle(cores=2)
spare_tensorflow()
