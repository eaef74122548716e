"""The installation examined: versions, backends, devices, threads, compile cache, known faults."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from suite.environment import BACKENDS, DEVICES_FLAG, available_cores, compile_cache, xla_flags
from suite.finding import Finding

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
PYTHON = (3, 11)
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)")
BAD_JAXLIB = {"0.10.2": "--xla_cpu_experimental_ynn_fusion_type="}
"""Releases that compute wrong numbers on processors, and the flag of XLA that helps."""
TOLERANCE = 1e-4
"""Relative error that float32 may have in the sum that is tried."""


def examine() -> Iterator[Finding]:
    """Look at everything that training needs; `suite.environment.settle` was called before."""
    yield _python()
    yield from _requirements()
    yield from _backends()
    yield from _threads()
    if importlib.util.find_spec("jax") is not None:
        yield _devices()
        yield _jaxlib()
        yield _arithmetic()
        yield _cache()
    yield _bytecode()


def _python() -> Finding:
    found, least = ".".join(map(str, sys.version_info[:3])), ".".join(map(str, PYTHON))
    remedy = "" if sys.version_info >= PYTHON else f"Install Python {least} or newer."
    return Finding("python", found, remedy)


def _requirements() -> Iterator[Finding]:
    """What is installed against what `requirements.txt` pins."""
    if not REQUIREMENTS.is_file():
        yield Finding("versions", f"not compared: no {REQUIREMENTS.name} beside the suite")
        return
    pins = [pin for line in REQUIREMENTS.read_text().splitlines() if (pin := PIN.match(line))]
    every = [(pin[1], pin[2], _installed(pin[1])) for pin in pins]
    wrong = [(name, wanted, found) for name, wanted, found in every if found != wanted]
    for name, wanted, found in wrong:
        remedy = f"{sys.executable} -m pip install {name}=={wanted}"
        yield Finding("versions", f"{name} {found or 'is missing'}, not {wanted}", remedy)
    if not wrong:
        yield Finding("versions", f"{len(pins)} packages as {REQUIREMENTS.name} pins them")


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _backends() -> Iterator[Finding]:
    there = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
    missing = [name for name in ("jax", "tensorflow") if name not in there]
    remedy = f"{sys.executable} -m pip install {' '.join(missing)}" if missing else ""
    yield Finding("backends", ", ".join(there) or "none", remedy)


def _threads() -> Iterator[Finding]:
    """Cores that this process may use, against what a container's quota grants."""
    cores, flags = available_cores(), xla_flags()
    forced = re.search(rf"{DEVICES_FLAG}=(\d+)", flags)
    devices = int(forced[1]) if forced else 1
    remedy = ""
    if devices != cores:
        remedy = f"Unset {DEVICES_FLAG} in XLA_FLAGS, or set it to {cores}."
    yield Finding("threads", f"{cores} cores, {devices} devices of JAX on them", remedy)
    quota = _quota()
    if quota and quota < cores:
        whole = max(1, int(quota))
        text = f"this container may use {quota:g} of {cores} cores"
        yield Finding("quota", text, f"Start with taskset -c 0-{whole - 1}: threads get in turns.")


def _quota(path: Path = Path("/sys/fs/cgroup/cpu.max")) -> float:
    """Cores that a Linux control group grants; 0 where it does not say."""
    if not path.is_file():
        return 0.0
    share, period = path.read_text().split()
    return 0.0 if share == "max" else int(share) / int(period)


def _devices() -> Finding:
    import jax  # noqa: PLC0415

    devices = jax.devices()
    kinds = sorted({f"{device.platform} ({device.device_kind})" for device in devices})
    return Finding("devices", f"{len(devices)}: {', '.join(kinds)}")


def _jaxlib() -> Finding:
    found = _installed("jaxlib")
    flag = BAD_JAXLIB.get(found)
    if not flag:
        return Finding("jaxlib", f"{found}, not known to be faulty")
    if flag in xla_flags().split():
        return Finding("jaxlib", f"{found}, right with the flag {flag} that is set")
    remedy = f"Install the release that {REQUIREMENTS.name} pins, or set XLA_FLAGS={flag}"
    return Finding("jaxlib", f"{found} is known to compute wrong sums on processors", remedy)


def _arithmetic() -> Finding:
    """A product of matrix and vector under vmap, then a sum: where a release has been wrong."""
    import jax  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    random = np.random.default_rng(0)
    x, w = random.normal(size=(8, 64, 32)), random.normal(size=(8, 32))

    def total(rows: jax.Array, weights: jax.Array) -> jax.Array:
        return ((rows @ weights) ** 2).sum()

    got = np.asarray(jax.jit(jax.vmap(total))(x.astype("float32"), w.astype("float32")))
    expected = (np.einsum("bij,bj->bi", x, w) ** 2).sum(axis=1)
    error = float(np.max(np.abs(got - expected) / expected))
    text = f"sums of products under vmap are right to {error:.0e}"
    if error <= TOLERANCE:
        return Finding("arithmetic", text)
    return Finding("arithmetic", text, f"Install the jaxlib that {REQUIREMENTS.name} pins.")


def _cache() -> Finding:
    """JAX's persistent cache of compiled programs, if there is one."""
    place = compile_cache()
    if not place:
        return Finding("compile cache", "off: every run compiles its programs anew")
    folder = Path(place)
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    size = sum(path.stat().st_size for path in files) / 1e6
    text = f"{folder}: {len(files)} programs, {size:.0f} MB"
    nearest = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not os.access(nearest, os.W_OK):
        return Finding("compile cache", text, "Set JAX_COMPILATION_CACHE_DIR to a folder of yours.")
    return Finding("compile cache", text)


def _bytecode() -> Finding:
    """Whether TensorFlow's modules are compiled; importing them takes 20 s where they are not."""
    spec = importlib.util.find_spec("tensorflow")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places or any((Path(place) / "__pycache__").is_dir() for place in places):
        return Finding("bytecode", "compiled")
    remedy = f"{sys.executable} -m compileall -q {places[0]}"
    return Finding("bytecode", "TensorFlow's modules are not compiled: slow to import", remedy)
