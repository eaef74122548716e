"""The command line: arguments, messages, exit codes; nothing else.

Whatever imports Keras, pandas or SciPy is imported inside the command that needs it, so that
`--help` and `list` answer at once.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from suite.doctorcli import doctor
from suite.environment import settle, settle_worker, spare_tensorflow
from suite.errors import SuiteError, unknown
from suite.exits import MEANING, Exit
from suite.factors import FACTORS
from suite.kitcli import new_task
from suite.supervision.limits import DEADLINE, limits_of
from suite.words import escaped

SOURCES = ("embedded", "full")
REGRESSION = "regression"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
    help="Train Keras models over matrices of training techniques and compare the techniques. "
    "Without a command: run the suite.",
    epilog="Exit codes: " + "; ".join(f"{code.value} {text}" for code, text in MEANING.items()),
)

TaskOption = Annotated[
    list[str] | None, typer.Option("--task", "-t", help="A task to train; repeat for more.")
]
FoldersOption = Annotated[
    list[Path] | None, typer.Option("--tasks-dir", help="A folder of your own task files.")
]
DeadlineOption = Annotated[
    float,
    typer.Option(min=1, help="Seconds without a sign of life after which a task is given up."),
]
MemoryOption = Annotated[
    float | None,
    typer.Option(min=0.1, help="GiB that a task may hold; default: 3/4 of the machine's."),
]

MixedOption = Annotated[
    bool,
    typer.Option(
        "--allow-mixed",
        help="Go on though code, data or study changed; marks the further trials.",
    ),
]


@app.callback(invoke_without_command=True)
def suite(
    context: typer.Context,
    task: TaskOption = None,
    study: Annotated[
        str, typer.Option("--study", "-s", help="A shipped study, or a TOML file's path.")
    ] = "techniques",
    preset: Annotated[
        str | None, typer.Option(help="A size of the study: quick, standard (default), full.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Seeds a recipe, or searches a tuner.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of every training.")] = None,
    engine: Annotated[
        str | None, typer.Option(help="fleet (many trials at once) or fit (model.fit).")
    ] = None,
    data: Annotated[
        str, typer.Option(help="embedded (no network needed) or full (downloads).")
    ] = "embedded",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Results folder; default: a new one.")
    ] = None,
    tasks_dir: FoldersOption = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Train in a Dask cluster: tcp://host:port, or a number of processes."),
    ] = None,
    deadline: DeadlineOption = DEADLINE,
    memory_limit: MemoryOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show matrix, trials, families, time; train nothing.")
    ] = False,
    join: Annotated[
        bool, typer.Option("--join", help="Share the work of a run that is under way in --out.")
    ] = False,
    allow_mixed: MixedOption = False,
) -> None:
    """Run the suite."""
    if context.invoked_subcommand:
        return
    from suite.studyfiles import load  # noqa: PLC0415

    if data not in SOURCES:
        raise unknown("data source", data, SOURCES)
    declared = load(study)
    size = preset or ("standard" if "standard" in declared.presets else None)
    chosen = declared.at(size)
    if seeds:
        chosen = chosen.model_copy(update={chosen.repeated: seeds})
    if epochs:
        chosen = chosen.model_copy(update={"epochs": epochs, "paced": None})
    settle_worker("jax", 1) if cluster and dry_run else settle()
    from suite.request import Request, plugins_of  # noqa: PLC0415

    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = out or Path("results") / f"{chosen.name}-{size or 'study'}-{stamp}"
    request = Request(
        study=chosen,
        out=folder,
        tasks=tuple(task or ()),
        folders=tuple(tasks_dir or ()),
        source=data,
        engine=engine,
        cluster=cluster,
        limits=limits_of(deadline, memory_limit),
        join=join,
        allow_mixed=allow_mixed,
    )
    plugins_of(request)
    console = Console()
    if dry_run:
        from suite.preview import preview  # noqa: PLC0415

        raise typer.Exit(preview(request, console))
    from suite.cluster.scheduler import require_scheduler  # noqa: PLC0415
    from suite.store import Store  # noqa: PLC0415

    require_scheduler(cluster)  # where none answers, no folder is made
    with Store(folder, join) as store:  # before Keras is imported: a refusal comes at once
        from suite.runner import run  # noqa: PLC0415

        code = run(request, console, store)
    _leave(code)


@app.command("list")
def list_command(
    tasks_dir: FoldersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show tasks, studies and factors."""
    from suite.registry import discover  # noqa: PLC0415
    from suite.studyfiles import read, shipped  # noqa: PLC0415

    plugins = discover(tuple(tasks_dir or ()))
    studies = {name: read(path) for name, path in shipped().items()}
    content = {
        "tasks": {p.name: p.problem or p.summary for p in plugins.values()},
        "studies": {name: study.question for name, study in studies.items()},
        "factors": {f.name: f.meaning for f in FACTORS.values()},
    }
    if as_json:
        levels = {
            f.name: {
                "meaning": f.meaning,
                "default": f.default,
                **({"levels": list(f.levels)} if f.levels else {"low": f.low, "high": f.high}),
            }
            for f in FACTORS.values()
        }
        presets = {
            n: {"question": s.question, "presets": list(s.presets)} for n, s in studies.items()
        }
        print(json.dumps({**content, "studies": presets, "factors": levels}, indent=2))
        return
    console = Console()
    for title, rows in content.items():
        table = Table("name", "", title=title, title_justify="left", show_header=False)
        for name, text in rows.items():
            table.add_row(escape(name), escape(text))
        console.print(table)


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(help="A results folder.")],
    new: Annotated[Path, typer.Argument(help="A newer one.")],
    fail_on: Annotated[
        str | None,
        typer.Option(help="regression: exit code 1 where a task or a technique became worse."),
    ] = None,
) -> None:
    """Say what changed beyond noise between two results folders."""
    from suite.compare import compare as compared  # noqa: PLC0415
    from suite.reading import read  # noqa: PLC0415
    from suite.tables.compared import comparison_tables  # noqa: PLC0415

    if fail_on not in (None, REGRESSION):
        raise unknown("event to fail on", fail_on, [REGRESSION])
    console = Console()
    found = compared(read(old), read(new))
    for warning in found.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    for table in comparison_tables(found):
        console.print(table.rich())
        console.print()
    if fail_on and found.regressed:
        console.print("regression: see the rows whose change is worse", style="red")
        raise typer.Exit(Exit.FAILED)


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="A results folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder; default: the results folder.")
    ] = None,
) -> None:
    """Write tables, figures and report.html anew from what is recorded; nothing is trained."""
    from suite.publication import PAGE, publish  # noqa: PLC0415
    from suite.reading import read  # noqa: PLC0415

    folder = out or results
    publish(read(results), folder)
    Console().print(f"{folder / PAGE}", soft_wrap=True, markup=False)


@app.command()
def archive(
    results: Annotated[Path, typer.Argument(help="A results folder.")],
    copy: Annotated[Path, typer.Argument(help="The folder to make.")],
) -> None:
    """Make a compact copy of a results folder, to be kept or passed on."""
    from suite.archive import archive as put_away  # noqa: PLC0415

    path = put_away(results, copy)
    Console().print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", soft_wrap=True, markup=False)


@app.command()
def resolve(
    results: Annotated[Path, typer.Argument(help="The results folder of a finished matrix.")],
    budget: Annotated[
        int | None,
        typer.Option(min=1, help="Trials at the most; default: as many as are recorded."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be trained; train nothing.")
    ] = False,
    tasks_dir: FoldersOption = None,
    deadline: DeadlineOption = DEADLINE,
    memory_limit: MemoryOption = None,
    allow_mixed: MixedOption = False,
) -> None:
    """Train exactly the seeds that underpowered verdicts ask for, and judge anew.

    Looking twice keeps the error rate: both looks are held against Pocock's bounds, and what the
    second one adds is combined with the first by the inverse normal method.
    """
    from suite.reading import read  # noqa: PLC0415
    from suite.resolution import resolution_of  # noqa: PLC0415

    reading = read(results)
    resolution = resolution_of(reading, budget)
    settle()
    from suite.resolve import resolution_table  # noqa: PLC0415
    from suite.resolve import resolve as carried_out  # noqa: PLC0415

    console = Console()
    console.print(resolution_table(reading, resolution).rich())
    if dry_run or not resolution.trials:
        return
    limits = limits_of(deadline, memory_limit)
    folders = tuple(tasks_dir or ())
    _leave(carried_out(reading, resolution, folders, console, limits, allow_mixed))


@app.command()
def replay(
    results: Annotated[Path, typer.Argument(help="The results folder of a finished matrix.")],
    tuner: Annotated[
        list[str] | None,
        typer.Option("--tuner", help="A tuner to replay; repeat for more. Default: quick ones."),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, max=10_000, help="Searches of each tuner.")] = 200,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Full trainings of a search; default: 64 or a quarter of all."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Trials asked at once.")] = 8,
    task: TaskOption = None,
    seed: Annotated[int, typer.Option(min=0, help="What all searches' seeds follow from.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A folder for the log and the tables.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; default: the cores.")] = None,
) -> None:
    """Race tuners on a recorded matrix; nothing is trained."""
    settle()
    from suite.search.replay import Replay  # noqa: PLC0415
    from suite.search.replay import replay as race  # noqa: PLC0415

    spare_tensorflow()
    console = Console()
    asked = Replay(
        folder=results,
        tuners=tuple(tuner or ()),
        tasks=tuple(task or ()),
        repeats=repeats,
        trials=trials,
        batch=batch,
        seed=seed,
        out=out,
        jobs=jobs,
    )
    try:
        tables = race(asked, console)
    except KeyboardInterrupt:
        raise typer.Exit(Exit.INTERRUPTED) from None
    for table in tables:
        console.print()
        console.print(table.rich())


@app.command()
def reproduce(
    trial: Annotated[str, typer.Argument(help="A trial's key, or its first digits, 4 or more.")],
    results: Annotated[Path, typer.Option("--results", help="The results folder it is in.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A folder for the script and its data; default: print."),
    ] = None,
    tasks_dir: FoldersOption = None,
) -> None:
    """Write one trial as a plain Keras script that trains it again.

    The script needs Keras and numpy alone. With --out it lies beside its
    data file and runs from anywhere. Without, it is printed; the data file
    goes to data/ in the results folder, where the script looks for it from
    the folder that is current now. Exit code of the script: 0 where it gets
    the recorded objective, 1 where it does not.
    """
    settle()
    from suite.reproduce.command import Asked  # noqa: PLC0415
    from suite.reproduce.command import reproduce as written  # noqa: PLC0415

    spare_tensorflow()
    script = written(Asked(trial, results, out, tuple(tasks_dir or ())))
    print(script.path or script.text, end="\n" if script.path else "")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A task.")],
    tasks_dir: FoldersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Examine a task for what would spoil its results; each finding with its remedy.

    Exit code 0 where nothing was found, 1 where something was.
    """
    settle()
    from suite.check.command import check as examined  # noqa: PLC0415

    spare_tensorflow()
    try:
        code = examined(name, tuple(tasks_dir or ()), Console(), as_json=as_json)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    _leave(code)


app.command("doctor")(doctor)
app.command("new-task")(new_task)


def _leave(code: int) -> NoReturn:
    """End with an exit code."""
    if code == Exit.INTERRUPTED:  # XLA may still be at work; an orderly exit under it crashes
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)


def main() -> None:
    """Run the command line; a SuiteError becomes its message and an exit code."""
    try:
        app()
    except SuiteError as error:
        Console(stderr=True).print(
            f"Error: {escaped(str(error))}", style="red", markup=False, soft_wrap=True
        )
        sys.exit(error.exit_code)
