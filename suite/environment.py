"""The one place that reads and sets environment variables, and settles which backend Keras uses.

Call `settle()` before the first import of Keras: Keras and JAX read their settings when imported.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suite.errors import UsageError, unknown

BACKENDS = ("jax", "tensorflow", "torch")
THREADS = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""How many threads a process has, for XLA and for the libraries of linear algebra."""
DEVICES_FLAG = "--xla_force_host_platform_device_count"


def settle(cores: int | None = None) -> str:
    """Choose JAX where `KERAS_BACKEND` is unset, one CPU device a core; return the backend's name.

    A user's own `KERAS_BACKEND` and `XLA_FLAGS` stand. Raises UsageError for a backend that is
    unknown or not installed.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "jax")
    if backend not in BACKENDS:
        raise unknown("KERAS_BACKEND", backend, BACKENDS)
    if importlib.util.find_spec(backend) is None:
        raise UsageError(
            f"Expected KERAS_BACKEND to name an installed package. Received: "
            f"KERAS_BACKEND={backend}, which is not installed. Unset it to use jax."
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # banners of TensorFlow are no results
    flags = xla_flags()
    if DEVICES_FLAG not in flags:
        count = cores or available_cores()
        os.environ["XLA_FLAGS"] = f"{flags} {DEVICES_FLAG}={count}".strip()
    return backend


def settle_worker(backend: str, threads: int) -> None:
    """`settle` for one of several processes on a machine: `threads` CPU devices, and no pool of
    threads beyond them. A user's own settings stand.
    """
    os.environ.setdefault("KERAS_BACKEND", backend)
    for name in THREADS:
        os.environ.setdefault(name, str(threads))
    settle(threads)


def xla_flags() -> str:
    """The flags that XLA is started with."""
    return os.environ.get("XLA_FLAGS", "")


def compile_cache() -> str:
    """The folder of JAX's persistent cache of compiled programs; empty where there is none."""
    return os.environ.get("JAX_COMPILATION_CACHE_DIR", "")


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def environment_for(backend: str) -> dict[str, str]:
    """A copy of the environment for a child process that uses the given Keras backend."""
    child = {key: value for key, value in os.environ.items() if key != "XLA_FLAGS"}
    paths = [str(Path(__file__).parents[1]), *filter(None, [child.get("PYTHONPATH")])]
    return {**child, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(paths)}


def environment_of_workers(backend: str) -> dict[str, str]:
    """`environment_for` worker processes; they settle their threads themselves."""
    return {key: value for key, value in environment_for(backend).items() if key not in THREADS}


def spare_tensorflow() -> None:
    """Keep Keras from importing TensorFlow beside another backend.

    Serializing any config asks whether the object is a TensorFlow shape, and imports TensorFlow
    (5 s, 300 MB) to find out. Where another backend runs there is no such object.
    """
    import keras  # noqa: PLC0415  # only after settle()
    from keras.src.utils import module_utils  # noqa: PLC0415

    if keras.backend.backend() != "tensorflow":
        module_utils.tensorflow._available = False


@contextmanager
def sparing_tensorflow() -> Iterator[None]:
    """`spare_tensorflow` for a while, in a process that is not the suite's own."""
    from keras.src.utils import module_utils  # noqa: PLC0415

    lazy = module_utils.tensorflow
    before = lazy._available
    spare_tensorflow()
    try:
        yield
    finally:
        lazy._available = before
