"""Results folders as a stranger may send them: each attack is planted in a sound folder."""

from __future__ import annotations

import base64
import gzip
import json
import marshal
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from suite.line import encode
from suite.trial import Outcome, Status, Trial

CANARY = "BROKEN-IN"
"""A file of this name beside the folder shows that something of the folder was run."""
SCRIPT = "<script>document.title='broken'</script>"
IMAGE = "<img src=http://192.0.2.1/x onerror=document.title='broken'>"
FORMULA = "=HYPERLINK(0)"
NAMES = {
    "task": f"../../{SCRIPT}",
    "factor": FORMULA,
    "levels": (IMAGE, "@SUM(1+1)|cmd", "{{7*7}}", "\\input{/etc/passwd}"),
    "metric": "=cmd|' /C calc'!A0",
    "trivial": "[link=http://192.0.2.1]" + IMAGE,
}
"""Names that would do something in a page, a spreadsheet, a template, LaTeX or a terminal."""
PLAIN = {
    "task": "churn",
    "factor": "reader",
    "levels": ("a", "b"),
    "metric": "auc",
    "trivial": "share",
}


def sound(folder: Path, names: Mapping[str, Any] = PLAIN, seeds: int = 6) -> dict[str, Any]:
    """Write a folder as a run leaves it; return its `run.json`."""
    (folder / "record").mkdir(parents=True)
    lines = [
        encode(outcome(names, level, seed)) for level in names["levels"] for seed in range(seeds)
    ]
    (folder / "record" / "1.jsonl").write_text("\n".join([*lines, ""]), encoding="utf-8")
    task = {
        "metric": names["metric"],
        "objective": "loss",
        "direction": "min",
        "trivial": {"val": 0.5, "test": 0.5},
        "trivial_name": names["trivial"],
    }
    study = {
        "name": "theirs",
        "question": "?",
        "factors": {names["factor"]: list(names["levels"])},
        "seeds": seeds,
    }
    run = {"study": study, "tasks": {names["task"]: task}}
    write(folder, run)
    return run


def outcome(names: Mapping[str, Any], level: str, seed: int) -> Outcome:
    """One finished training."""
    trial = Trial(names["task"], "embedded", {names["factor"]: level}, seed, 2)
    place = names["levels"].index(level)
    score = 0.7 + 0.02 * place + 0.01 * (seed * 7 % 5)
    metrics = {
        "val.loss": 1 - score,
        f"val.{names['metric']}": score,
        f"test.{names['metric']}": score,
    }
    curves = {"loss": [1.0, 0.5], "val_loss": [1.0, 1 - score]}
    return Outcome(trial, Status.COMPLETED, "fleet", 0.5, epoch=2, metrics=metrics, curves=curves)


def write(folder: Path, run: object) -> None:
    """Write a `run.json`."""
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")


def line(text: str) -> str:
    """A line of the record whose checksum is right, whatever it says."""
    return f"{zlib.crc32(text.encode()):08x} {text}\n"


class Payload:
    """Unpickling it touches the canary."""

    def __init__(self, folder: Path) -> None:
        self.command = f"touch '{folder.parent / CANARY}'"

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def _code(folder: Path) -> str:
    return f"open({str(folder.parent / CANARY)!r}, 'w')\n"


def _pickled(name: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Payload(folder)))

    return plant


def _source(name: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_code(folder), encoding="utf-8")

    return plant


def _lambda(folder: Path) -> None:
    """A Keras model whose Lambda layer holds code."""
    code = base64.b64encode(marshal.dumps(compile(_code(folder), "x", "exec"))).decode()
    layer = {"class_name": "Lambda", "config": {"name": "l", "function": [code, None, None]}}
    model = {"class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}
    (folder / "models").mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "models" / "churn.keras", "w") as file:
        file.writestr("config.json", json.dumps(model))
        file.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))


def _zip_of_elsewhere(folder: Path) -> None:
    with zipfile.ZipFile(folder / "figures.zip", "w") as file:
        file.writestr(f"../../{CANARY}", "x")


def _zip_bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "trials.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("trials.csv", "\0" * (4 << 20))


def _linked(name: str, target: str = "") -> Callable[[Path], None]:
    """A link; without a target to a file of another person, which must stay as it is."""

    def plant(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target or folder.parent / "theirs.txt")

    return plant


def _folder_linked(name: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / name).symlink_to(folder.parent / "their folder")

    return plant


def _temporary(folder: Path) -> None:
    """Links where the process that writes the report would write it beside its place first."""
    for form in (".{0}-report.html", ".report.html.{0}", ".{0}-trials.csv"):
        (folder / form.format(os.getpid())).symlink_to(folder.parent / "theirs.txt")


def _pipe(name: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return plant


def _recorded(text: str) -> Callable[[Path], None]:
    """A line of the record."""
    return lambda folder: _append(folder, line(text).encode())


def _append(folder: Path, data: bytes) -> None:
    (folder / "record" / "2.jsonl").write_bytes(data)


def _changed(**changes: object) -> Callable[[Path], None]:
    """A line of the record that says something else."""

    def plant(folder: Path) -> None:
        whole = json.loads(encode(outcome(PLAIN, "a", 99)).partition(" ")[2])
        _append(folder, line(json.dumps({**whole, **changes})).encode())

    return plant


def _described(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        write(folder, change(run) or run)

    return plant


def _text(text: str | bytes) -> Callable[[Path], None]:
    data = text.encode() if isinstance(text, str) else text
    return lambda folder: _replace(folder / "run.json", data)


def _replace(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _sparse(folder: Path) -> None:
    with (folder / "run.json").open("wb") as file:
        file.truncate(1 << 33)


def _packed(content: Callable[[], bytes]) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        (folder / "record" / "2.jsonl.gz").write_bytes(content())

    return plant


def _bomb() -> bytes:
    return gzip.compress(b"\n" * (1 << 20)) * 512


def _one_line() -> bytes:
    return gzip.compress(os.urandom(1 << 20) * 2 + b" " * (40 << 20))


def _set(run: dict[str, Any], *keys: str, to: object) -> None:
    for key in keys[:-1]:
        run = run[key]
    run[keys[-1]] = to


def _renamed(old: str, new: str) -> Callable[[dict[str, Any]], None]:
    def change(run: dict[str, Any]) -> None:
        run["tasks"][new] = run["tasks"].pop(old)

    return change


DEEP = "[" * 100_000
INERT: Mapping[str, Callable[[Path], None]] = {
    "pickle as trials": _pickled("trials.parquet"),
    "pickle as a table": _pickled("tables/verdicts.parquet"),
    "pickle of the run": _pickled("run.pkl"),
    "pickle as a model": _pickled("models/other.keras"),
    "pickle as a state": _pickled("states/churn/x.npz"),
    "pickle in the record": _pickled("record/x.pkl"),
    "pickle as a segment": _pickled("record/3.jsonl"),
    "model with a Lambda": _lambda,
    "zip that leads elsewhere": _zip_of_elsewhere,
    "zip bomb": _zip_bomb,
    "sitecustomize.py": _source("sitecustomize.py"),
    "a module named as pandas": _source("pandas.py"),
    "a package in the record": _source("record/__init__.py"),
    "a task file": _source("tasks/churn.py"),
    "conftest.py": _source("conftest.py"),
    "matplotlibrc": _source("matplotlibrc"),
    "link as report.html": _linked("report.html"),
    "link as trials.csv": _linked("trials.csv"),
    "link as a table": _linked("tables/verdicts.csv"),
    "links beside": _temporary,
    "NaN in a line": _recorded('{"schema":1,"key":"a","task":"churn","seconds":NaN}'),
    "deep line": _recorded(DEEP),
    "line without form": _recorded("[]"),
    "binary line": lambda folder: _append(folder, os.urandom(5000)),
    "levels of lists": _changed(hp={"reader": [1]}),
    "seed of a text": _changed(seed="0"),
    "endless epochs": _changed(epochs=10**30),
    "metric of a text": _changed(metrics={"test.auc": "0.9"}),
    "curve of texts": _changed(curves={"loss": ["x"]}),
    "infinite metric": _changed(metrics={"test.auc": 1e999}),
    "escapes of a terminal": _changed(task="\x1b]0;broken\x07\x1b[2J"),
    "half a surrogate pair": _changed(engine="\ud800"),
    "other order of reading": _changed(task="\u202echurn"),
}
"""Files that a reader must pass over or drop: the report is written as if they were not there."""
REFUSED: Mapping[str, Callable[[Path], None]] = {
    "segment that is a link": _linked("record/2.jsonl"),
    "segment that is a device": _linked("record/2.jsonl", "/dev/zero"),
    "segment that is the machine's": _linked("record/2.jsonl", "/etc/passwd"),
    "segment that is a pipe": _pipe("record/2.jsonl"),
    "link that leads to itself": _linked("record/2.jsonl", "2.jsonl"),
    "run.json is a link": _linked("run.json"),
    "run.json of 8 GiB": _sparse,
    "run.json is deep": _text(DEEP),
    "run.json is binary": _text(os.urandom(1000)),
    "run.json with NaN": _text('{"study": NaN, "tasks": {}}'),
    "run.json of long numbers": _text('{"study": {"seeds": ' + "9" * 5000 + '}, "tasks": {}}'),
    "gzip bomb": _packed(_bomb),
    "endless line": _packed(_one_line),
    "cut gzip": _packed(lambda: gzip.compress(os.urandom(9999))[:-99]),
    "tasks without form": _described(lambda run: _set(run, "tasks", to={"churn": 5})),
    "study without form": _described(lambda run: _set(run, "study", to={"name": "x"})),
    "metric that is a list": _described(lambda run: _set(run, "tasks", "churn", "metric", to=[])),
    "study of 10^9 trials": _described(
        lambda run: _set(
            run, "study", "factors", to={f"f{i}": [*map(str, range(1000))] for i in range(3)}
        )
    ),
    "second look of 10^12 seeds": _described(
        lambda run: _set(
            run,
            "second_look",
            to={
                "first": 6,
                "planned": [{"task": "churn", "factor": "reader", "level": "b", "seeds": 10**12}],
            },
        )
    ),
    "escapes in a name": _described(_renamed("churn", "\x1b[2Jchurn")),
    "winners without form": _described(lambda run: _set(run, "winners", to=[{"task": 1}])),
    "name of a megabyte": _described(_renamed("churn", "x" * (1 << 20))),
    "tables are elsewhere": _folder_linked("tables"),
    "figures are elsewhere": _folder_linked("figures"),
}
"""What a reader refuses in one sentence. The last two are read, and refused where written to."""
