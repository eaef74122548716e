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
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from suite.environment import settle, spare_tensorflow
from suite.errors import SuiteError, UsageError, unknown
from suite.factors import FACTORS
from suite.interrupt import watch

SOURCES = ("embedded", "full")
FAILED = 1
USAGE = 2
INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode="rich",
    help="Train Keras models over matrices of training techniques and compare the techniques. "
    "Without a command: run the suite.",
    epilog="Exit codes: 0 ok, 1 some trials or plugins failed, 2 usage, 130 interrupted.",
)

TaskOption = Annotated[
    list[str] | None, typer.Option("--task", "-t", help="A task to train; repeat for more.")
]
FoldersOption = Annotated[
    list[Path] | None, typer.Option("--tasks-dir", help="A folder of your own task files.")
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show matrix, trials, families, time; train nothing.")
    ] = False,
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
        chosen = chosen.model_copy(update={"epochs": epochs})
    settle()
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
    )
    plugins_of(request)
    console = Console()
    if dry_run:
        from suite.preview import preview  # noqa: PLC0415

        raise typer.Exit(preview(request, console))
    from suite.runner import run  # noqa: PLC0415

    code = run(request, console)
    if code == INTERRUPTED:  # XLA may still be at work; an orderly exit under it crashes
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise typer.Exit(code)


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
    new: Annotated[Path, typer.Argument(help="Another one.")],
) -> None:
    """Put two results folders side by side."""
    from suite.compare import compare_folders  # noqa: PLC0415

    console = Console()
    for table in compare_folders(old, new):
        console.print(table.rich())
        console.print()


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
        raise typer.Exit(INTERRUPTED) from None
    for table in tables:
        console.print()
        console.print(table.rich())


def main() -> None:
    """Run the command line; a SuiteError becomes its message and an exit code."""
    watch()
    try:
        app()
    except UsageError as error:
        _fail(error, USAGE)
    except SuiteError as error:
        _fail(error, FAILED)


def _fail(error: SuiteError, code: int) -> None:
    Console(stderr=True).print(f"Error: {error}", style="red", markup=False, soft_wrap=True)
    sys.exit(code)
