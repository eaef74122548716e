"""The initial weights of a trial as source: uniform numbers through quantile functions.

What `suite.weights` computes, written out for the initializers that one recipe uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.errors import UsageError
from suite.reproduce.source import Group, laid_out, number
from suite.seeding import WEIGHTS
from suite.trial import Trial
from suite.weights import SCALING_CONFIGS, TRUNCATED_STD, TRUNCATION, VECTORS, Start, WeightSpec

NORMAL = ["normal = np.vectorize(NormalDist().inv_cdf)  # the quantile function of N(0, 1)"]
TRUNCATED = f"""\
def truncated(u):
    \"\"\"The quantile function of N(0, 1) cut at {TRUNCATION:g} standard deviations.\"\"\"
    low, high = NormalDist().cdf(-{TRUNCATION:g}), NormalDist().cdf({TRUNCATION:g})
    return normal(low + u * (high - low))""".splitlines()
ORTHOGONAL = [
    "draw = normal(u).reshape(-1, u.shape[-1])",
    "wide = draw.shape[0] < draw.shape[1]",
    "q, r = np.linalg.qr(draw.T if wide else draw)",
    "q = q * np.sign(np.diag(r))",
]
FANS = {  # mode of a variance scaling -> its line, and what the variance is divided by
    "fan_in": ("fan_in = np.prod(u.shape[:-1])", "fan_in"),
    "fan_out": ("fan_out = np.prod(u.shape[:-2]) * u.shape[-1]", "fan_out"),
    "fan_avg": (
        "fan_in, fan_out = np.prod(u.shape[:-1]), np.prod(u.shape[:-2]) * u.shape[-1]",
        "(fan_in + fan_out)",
    ),
}


@dataclass(frozen=True)
class Initial:
    """The initial weights of one trial.

    Attributes:
        functions: the quantile functions by name, helpers first; the lines of each.
        numbered: number of a random weight -> the name of its function.
        kernels: how many weights of rank two or more there are, random or not.
    """

    functions: Mapping[str, Sequence[str]]
    numbered: Mapping[int, str]
    kernels: int

    @property
    def imports(self) -> list[str]:
        """What the functions import beside numpy."""
        return ["from statistics import NormalDist"] if "normal" in self.functions else []

    def assignment(self) -> list[str]:
        """The lines that put a built model's random weights at their start."""
        kernels = {i: name for i, name in self.numbered.items() if i < VECTORS}
        vectors = {i - VECTORS: name for i, name in self.numbered.items() if i >= VECTORS}
        return [
            *(_loop("kernel", "> 1", kernels, 0, self.kernels) if kernels else []),
            *(_loop("vector", "< 2", vectors, VECTORS, 0) if vectors else []),
        ]


def _loop(
    kind: str, compared: str, functions: Mapping[int, str], first: int, count: int
) -> list[str]:
    """The loop over the kernels (or vectors) that start at random; they count from `first`."""
    which = f"weight for weight in model.weights if len(weight.shape) {compared}"
    counted = f"{first} + number" if first else "number"
    if len(set(functions.values())) == 1 and len(functions) == count:
        name, target = functions[0], "weight"
        lines = [f"{kind}s = [{which}]", f"for number, weight in enumerate({kind}s):"]
    else:
        name, target = "quantile", f"{kind}s[number]"
        table = Group("{", [(f"{i}: ", function) for i, function in functions.items()], "}")
        lines = [f"{kind}s = [{which}]", *laid_out(table, "starts = ")]
        lines += ["for number, quantile in starts.items():"]
    return [
        *lines,
        f"    u = np.random.default_rng([SEED, {WEIGHTS}, {counted}]).random({target}.shape)",
        f"    {target}.assign({name}(u))",
    ]


def initial(starts: Sequence[Start], trial: Trial) -> Initial:
    """The initial weights of a blueprint's `starts`; UsageError for an unknown distribution."""
    drawn = [start for start in starts if isinstance(start, WeightSpec)]
    names: dict[tuple[str, bool], str] = {}
    functions: dict[str, list[str]] = {}
    for start in drawn:
        key = start.initializer, len(start.shape) >= 2
        if key not in names:
            names[key] = _free_name(json.loads(start.initializer)["class_name"], functions)
            functions[names[key]] = _function(names[key], start, trial)
    body = "\n".join(line for lines in functions.values() for line in lines)
    cut = {"truncated": TRUNCATED} if "truncated(" in body else {}
    normal = {"normal": NORMAL} if "normal(u" in body or cut else {}
    return Initial(
        functions={**normal, **cut, **functions},
        numbered={s.number: names[s.initializer, len(s.shape) >= 2] for s in drawn},
        kernels=sum(len(start.shape) >= 2 for start in starts),
    )


def _free_name(class_name: str, taken: Mapping[str, Any]) -> str:
    """The initializer's name as Keras writes it short; a number behind it where it is taken."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()
    same = sum(other.rstrip("_0123456789") == name for other in taken)
    return f"{name}_{same + 1}" if same else name


def _function(name: str, start: WeightSpec, trial: Trial) -> list[str]:
    serialized = json.loads(start.initializer)
    lines = _body(serialized["class_name"], serialized["config"], vector=len(start.shape) < 2)
    if not lines:
        raise UsageError(
            f"Expected initializers whose quantile function is known. "
            f"Received: trial={trial.key!r} of task {trial.task!r}, "
            f"which starts with {serialized['class_name']}."
        )
    return [f"def {name}(u):", *(f"    {line}" for line in lines)]


def _body(kind: str, config: Mapping[str, Any], *, vector: bool) -> list[str]:
    match kind:
        case _ if kind in SCALING_CONFIGS and config.get("input_axes") is None:
            return _scaling({**SCALING_CONFIGS[kind], **config}, vector=vector)
        case "RandomNormal":
            return [f"return {_moved(config)}normal(u)"]
        case "TruncatedNormal":
            return [f"return {_moved(config)}truncated(u)"]
        case "RandomUniform":
            low, high = number(config["minval"]), number(config["maxval"])
            return [f"low, high = {low}, {high}", "return low + (high - low) * u"]
        case "Orthogonal" if not vector:
            gain = "" if config["gain"] == 1 else f"{number(config['gain'])} * "
            return [*ORTHOGONAL, f"return {gain}(q.T if wide else q).reshape(u.shape)"]
    return []


def _moved(config: Mapping[str, Any]) -> str:
    mean = f"{number(config['mean'])} + " if config["mean"] else ""
    return f"{mean}{number(config['stddev'])} * "


def _scaling(config: Mapping[str, Any], *, vector: bool) -> list[str]:
    """Variance `scale / fan`; of a uniform distribution on (-a, a) it is `a**2 / 3`."""
    line, fan = ("fan = u.size", "fan") if vector else FANS[config["mode"]]
    doubled = 2 if fan.startswith("(") else 1
    uniform = config["distribution"] == "uniform"
    scale = config["scale"] * doubled * (3 if uniform else 1)
    root = f"np.sqrt({scale:g} / {fan})"
    if uniform:
        return [line, f"return {root} * (2 * u - 1)"]
    if config["distribution"] == "untruncated_normal":
        return [line, f"return {root} * normal(u)"]
    return [
        line,
        f"std = {TRUNCATED_STD!r}  # of N(0, 1) cut at {TRUNCATION:g}",
        f"return {root} / std * truncated(u)",
    ]
