"""The shape of the code: imports point downward, files stay small, each thing has one place."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import suite

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "suite"
LAYERS = [  # from the top; a module imports from lines below its own only
    "cli",
    "kitcli",
    "doctorcli",
    "installation",
    "doctor",
    "scaffold",
    "contract",
    "check.command",
    "check.show",
    "check.examine",
    "check.contract",
    "check.overlap",
    "check.future",
    "check.fitted",
    "check.shortcut",
    "check.effects",
    "check.repeat",
    "check.pace",
    "check.shuffled",
    "check.parity",
    "check.child",
    "check.subject",
    "check.second",
    "check.full",
    "check.pieces",
    "check.recipes",
    "check.sketch",
    "check.windows",
    "check.codes",
    "check.note",
    "search.replay",
    "search.recorded",
    "reproduce.command",
    "reproduce.script",
    "reproduce.layers",
    "reproduce.quantiles",
    "reproduce.metrics",
    "reproduce.arrays",
    "reproduce.source",
    "reproduce.recorded",
    "resolve",
    "runner",
    "supervision.supervisor",
    "supervision.relay",
    "matrix",
    "search.live",
    "work",
    "preview",
    "search.preview",
    "winners",
    "results",
    "archive",
    "publication",
    "views",
    "report.page",
    "report.files",
    "report.content",
    "report.vector",
    "report.gallery",
    "report.findings",
    "report.facts",
    "report.comparisons",
    "report.strip",
    "report.sheets",
    "report.charts.searching",
    "report.charts.ranks",
    "report.charts.parallel",
    "report.charts.pairs",
    "report.charts.learning",
    "report.charts.flow",
    "report.charts.heat",
    "report.charts.series",
    "report.charts.grids",
    "report.charts.effects",
    "report.charts.bars",
    "report.drawing",
    "report.palette",
    "winner",
    "search.tuner",
    "search.explore",
    "search.project",
    "search.hypertask",
    "search.fitting",
    "cluster.preview",
    "cluster.choice",
    "cluster.engine",
    "cluster.local",
    "cluster.dispatch",
    "cluster.scheduler",
    "cluster.worker",
    "cluster.manifest",
    "cluster.plan",
    "cluster.chunks",
    "engines.choice",
    "engines.fleet",
    "engines.fit",
    "engines.fitprobe",
    "engines.port",
    "engines.berths",
    "engines.voyage",
    "engines.size",
    "engines.crews",
    "engines.program",
    "engines.template",
    "engines.states",
    "engines.training",
    "engines.eye",
    "engines.sight",
    "engines.probe",
    "engines.knobs",
    "engines.traced",
    "engines.convolution",
    "engines.slices",
    "engines.width",
    "engines.patience",
    "engines.engine",
    "hull",
    "skeleton",
    "families",
    "blueprint",
    "anatomy",
    "jobs",
    "api",
    "tables.compared",
    "compare",
    "resolution",
    "reading",
    "search.claims",
    "search.tables",
    "search.merit",
    "tables.matrix",
    "tables.claims",
    "tables.verdicts",
    "tables.health",
    "tables.course",
    "tables.others",
    "tables.best",
    "tables.table",
    "tables.text",
    "claims",
    "evidence",
    "budgets",
    "course",
    "measures",
    "flow",
    "ledger",
    "importance",
    "contrasts",
    "held",
    "mechanism",
    "grid",
    "secondlook",
    "search.loop",
    "search.tuners",
    "search.spaces",
    "space",
    "weights",
    "seeding",
    "scoring",
    "summary",
    "frame",
    "search.log",
    "csvtext",
    "store",
    "segments",
    "quarantine",
    "writers",
    "line",
    "forms",
    "foreign",
    "search.conversation",
    "search.grid",
    "search.sampled",
    "search.distributions",
    "search.distinct",
    "search.cells",
    "progress",
    "stats.across",
    "stats.variance",
    "stats.verdict",
    "stats.power",
    "stats.arms",
    "stats.looks",
    "stats.paired",
    "stats.intervals",
    "request",
    "registry",
    "entrypoints",
    "origin",
    "plan",
    "studyfiles",
    "search.study",
    "study",
    "claim",
    "part",
    "provenance",
    "environment",
    "supervision.server",
    "supervision.wire",
    "supervision.trace",
    "supervision.limits",
    "interrupt",
    "exits",
    "uncollected",
    "techniques",
    "task",
    "schedules",
    "given",
    "targets",
    "usermodel",
    "arrays",
    "splits",
    "packaged",
    "data",
    "declare",
    "factors",
    "trial",
    "detectors",
    "vitals",
    "health",
    "words",
    "files",
    "finding",
    "errors",
]
PUBLIC = {"suite": set(suite.__all__), "suite.errors": None} | dict.fromkeys(
    ("suite.packaged", "suite.splits")
)
MOST_LINES = 400
TALKERS = {"cli", "kitcli", "winner", "search.project", "supervision.server"}
FILES = {
    ".".join(path.relative_to(SUITE).with_suffix("").parts): path
    for path in sorted(SUITE.rglob("*.py"))
    if path.name != "__init__.py"
}
TASKS = sorted((ROOT / "tasks").glob("*.py"))
CODE = [*SUITE.rglob("*.py"), *TASKS, ROOT / "run_suite.py"]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of everything that a file imports, anywhere in it; name "" for `import x`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from ((node.module or "", alias.name) for alias in node.names)


def own(path: Path) -> set[str]:
    """The modules of the suite that a file imports, as `LAYERS` names them."""
    whole = {f"{module}.{name}" if module == "suite" else module for module, name in imported(path)}
    return {name.removeprefix("suite.") for name in whole if name.startswith("suite.")}


def names_of(path: Path) -> set[str]:
    """Every name and dotted name that a file uses."""
    nodes = [n for n in ast.walk(tree(path)) if isinstance(n, ast.Attribute | ast.Name)]
    return {ast.unparse(node) for node in nodes}


def test_every_module_has_its_layer():
    """A new file is put on a line of its own; a file that is gone leaves the list."""
    assert sorted(LAYERS) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_imports_point_downward(name):
    """Lazy imports and imports for types included, so that no two modules need each other."""
    upward = {m for m in own(FILES[name]) if m not in LAYERS[LAYERS.index(name) + 1 :]}
    assert upward == set(), f"{name} imports {upward}, which stands above it"


def test_public_names_are_below_the_engines():
    """What `suite` offers to task files pulls in nothing that trains."""
    homes = {home.removeprefix("suite.") for home in suite._HOMES.values()}
    assert min(map(LAYERS.index, homes)) > LAYERS.index("engines.engine")
    assert set(suite._HOMES) == set(suite.__all__)


def test_statistics_import_nothing_of_the_suite():
    """They are pure functions on arrays."""
    for name in (name for name in FILES if name.startswith("stats.")):
        assert all(module.startswith("stats.") for module in own(FILES[name])), name


@pytest.mark.parametrize("path", [*CODE, *(ROOT / "tests").glob("*.py")], ids=lambda p: p.stem)
def test_no_file_is_longer_than_400_lines(path):
    """Split at 400."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", CODE, ids=lambda p: p.stem)
def test_every_file_says_what_it_does_in_its_first_line(path):
    """A docstring comes first."""
    assert ast.get_docstring(tree(path))


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_tasks_import_public_names_only(path):
    """The modules of `PUBLIC`; nothing that begins with an underscore."""
    for module, name in imported(path):
        if module.partition(".")[0] == "suite":
            assert module in PUBLIC
            assert name
            assert not name.startswith("_")
            assert PUBLIC[module] is None or name in PUBLIC[module]


@pytest.mark.parametrize("name", sorted(set(FILES) - TALKERS))
def test_nothing_prints_but_the_command_line(name):
    """And the child that trains winners, whose answers are lines of its output, and FleetTuner,
    which tells its user how far it is, as KerasTuner's tuners do; the fork server prints nothing
    either, and flushes what plugins have printed.
    """
    assert not {"print", "sys.stdout", "sys.stderr"} & names_of(FILES[name])


@pytest.mark.parametrize("path", CODE, ids=lambda p: p.stem)
def test_one_file_touches_the_environment(path):
    """`suite/environment.py` reads and sets environment variables; nothing else does."""
    touching = {"os.environ", "environ", "os.getenv", "getenv", "os.putenv"} & names_of(path)
    assert bool(touching) == (path == SUITE / "environment.py")


def test_results_are_read_without_keras():
    """Comparing, summarising and tabulating need neither Keras nor JAX nor TensorFlow."""
    code = (
        "import sys, suite.api, suite.resolution, suite.publication, suite.tables.compared;"
        "print([m for m in ('keras', 'keras_tuner', 'jax', 'tensorflow') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_planning_is_done_without_keras():
    """Studies, plans, the registry and the record are quick to import."""
    code = (
        "import sys, suite.plan, suite.studyfiles, suite.store, suite.request, suite.factors;"
        "print([m for m in ('keras', 'jax', 'pandas', 'numpy') if m in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
