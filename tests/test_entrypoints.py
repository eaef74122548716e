"""Tasks of installed packages: found by their entry points, and not imported before they load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.entrypoints import GROUP, entries, file_of
from suite.errors import PluginError, UsageError
from suite.registry import discover, load

ROOT = Path(__file__).parents[1]
WINE = (ROOT / "tests" / "plugins" / "wine.py").read_text()
BUILT = '''"""Wine, from a build function."""
import keras
import numpy as np
from suite import Task


def build(hp):
    layers = [keras.Input((4,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(), "mse")
    return model


def make():
    """Made when it is asked for."""
    x = np.random.default_rng(0).normal(size=(200, 4))
    return Task.from_build(build, x, x.sum(axis=1))
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """A function that puts a distribution with modules and entry points on the path."""
    monkeypatch.syspath_prepend(tmp_path)

    def installed(points: str, files: dict[str, str], name: str = "wine-tasks") -> Path:
        for file, text in files.items():
            path = tmp_path / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        info = tmp_path / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
        return tmp_path

    yield installed
    for module in [m for m in sys.modules if m.partition(".")[0] == "winepkg"]:
        del sys.modules[module]


# Finding.


def test_a_class_is_found_without_importing_its_package(install):
    """Its docstring is read; a package that raises on import is listed all the same."""
    files = {
        "winepkg/__init__.py": "raise RuntimeError('imported')\n",
        "winepkg/inner/wines.py": "raise RuntimeError\n" + WINE,
    }
    folder = install("wine = winepkg.inner.wines:Wine", files)
    plugin = discover()["wine"]
    assert plugin.summary == "Which of three growers made this wine? 178 wines, 13 measures."
    assert plugin.path == folder / "winepkg" / "inner" / "wines.py"
    assert (plugin.module, plugin.attribute) == ("winepkg.inner.wines", "Wine")
    assert plugin.origin == "wine-tasks 1.2 (wine = winepkg.inner.wines:Wine)"
    assert not plugin.problem
    assert not [name for name in sys.modules if name.startswith("winepkg")]


@pytest.mark.parametrize(
    ("value", "attribute", "summary"),
    [
        ("winepkg.wines", "Wine", "Which of three growers made this wine? 178 wines, 13 measures."),
        ("winepkg.made:make", "make", "Made when it is asked for."),
        ("winepkg.made:build", "build", "Wine, from a build function."),
        ("winepkg:Wine", "Wine", "Wines."),
    ],
)
def test_the_summary_is_that_of_what_is_named(install, value, attribute, summary):
    """A module's first task; a function's docstring; else the module's."""
    files = {
        "winepkg/__init__.py": '"""Wines."""\nfrom winepkg.wines import Wine\n',
        "winepkg/wines.py": WINE,
        "winepkg/made.py": BUILT,
    }
    install(f"wine = {value}", files)
    plugin = discover()["wine"]
    assert (plugin.attribute, plugin.summary, plugin.problem) == (attribute, summary, "")


@pytest.mark.parametrize("value", ["nowhere:Wine", "winepkg.nowhere:Wine", "winepkg.a.b:Wine", "!"])
def test_an_entry_point_to_nowhere_is_listed_with_its_problem(install, value):
    """The distribution is named; loading it says the same."""
    install(f"wine = {value}", {"winepkg/__init__.py": "", "winepkg/a.py": ""})
    plugin = discover()["wine"]
    assert f"wine-tasks 1.2 (wine = {value})" in plugin.problem
    with pytest.raises(PluginError, match=r"^Expected the entry point to name a module"):
        load(plugin, "embedded")


def test_a_broken_file_is_listed_with_its_line(install):
    """As a broken file of a folder is."""
    install("wine = winepkg:Wine", {"winepkg/__init__.py": "def f(:\n"})
    assert "__init__.py:1: SyntaxError" in discover()["wine"].problem


def test_two_packages_with_one_name_are_both_named(install):
    """By distribution, version and entry point."""
    install("wine = winepkg:A", {"winepkg/__init__.py": ""})
    install("wine = winepkg.b:B", {"winepkg/b.py": ""}, name="other-wines")
    with pytest.raises(UsageError) as caught:
        discover()
    assert str(caught.value) == (
        "Expected one task named 'wine'. Received: other-wines 1.2 (wine = winepkg.b:B) and "
        "wine-tasks 1.2 (wine = winepkg:A)."
    )


def test_a_package_and_a_file_with_one_name_are_both_named(install, tmp_path):
    """A shipped task, or one of the user's; the package's own file is no second task."""
    install("churn = winepkg.churn:A", {"winepkg/__init__.py": "", "winepkg/churn.py": WINE})
    file = ROOT / "tasks" / "churn.py"
    with pytest.raises(UsageError, match=rf"Received: {file} and wine-tasks 1\.2 \(churn = "):
        discover()
    with pytest.raises(UsageError, match=rf"Received: {file} and .*winepkg.churn\.py\."):
        discover([tmp_path / "winepkg"])


def test_the_packages_own_folder_is_no_conflict(install, tmp_path):
    """One file by two ways is one task."""
    install("wine = winepkg.wine:Wine", {"winepkg/__init__.py": "", "winepkg/wine.py": WINE})
    assert discover([tmp_path / "winepkg"])["wine"].path == tmp_path / "winepkg" / "wine.py"


def test_modules_are_found_by_their_names_alone():
    """Whether they are imported already or not; built-in ones have no file."""
    assert file_of("suite.search.tuner") == ROOT / "suite" / "search" / "tuner.py"
    assert file_of("suite") == ROOT / "suite" / "__init__.py"
    assert file_of("sys") is None
    assert file_of("__main__.x") is None
    assert file_of("suite.nothing.more") is None
    assert file_of("json.decoder").name == "decoder.py"
    assert entries() == []


# Loading.


@pytest.mark.parametrize("value", ["winepkg.wines:Wine", "winepkg.wines", "winepkg:Wine"])
def test_a_class_is_loaded_as_a_part_of_its_package(install, value):
    """Imports within the package work; the task has the entry point's name."""
    files = {
        "winepkg/__init__.py": "from winepkg.wines import Wine\n",
        "winepkg/wines.py": WINE + "\n\nfrom winepkg.more import MORE\n",
        "winepkg/more.py": "MORE = 1\n",
    }
    install(f"wines = {value}", files)
    task = load(discover()["wines"], "embedded")
    assert (task.name, type(task).__module__) == ("wines", "winepkg.wines")
    assert len(task.dataset.train) == 64


def test_a_function_that_makes_a_task_is_called(install):
    """So that a package need not load its data when it is imported."""
    install("wine = winepkg:make", {"winepkg/__init__.py": BUILT})
    task = load(discover()["wine"], "embedded")
    assert (task.name, task.metric) == ("wine", "neg_mean_absolute_error")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def A():\n    return 3\n", r"__init__\.py: Expected A to be a suite\.Task.* int\.$"),
        ("A = 3\n", r"__init__\.py: Expected A to be a suite\.Task.* Received: int\.$"),
        ("x = 1\n", r"__init__\.py: AttributeError: .*'A'"),
        ("import sys\nsys.exit()\n", r"__init__\.py:2: SystemExit"),
        (
            "class A:\n    def __init__(self, source): pass\n",
            r"to be a suite\.Task.* Received: A\.$",
        ),
    ],
)
def test_what_is_no_task_is_a_plugin_error_with_its_file(install, text, said):
    """One line."""
    install("wine = winepkg:A", {"winepkg/__init__.py": text})
    with pytest.raises(PluginError, match=said) as caught:
        load(discover()["wine"], "embedded")
    assert "\n" not in str(caught.value)


# Really installed.


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A package with a task, installed by pip into a folder of its own; that folder."""
    source = tmp_path_factory.mktemp("source")
    (source / "winepkg").mkdir()
    (source / "winepkg" / "__init__.py").write_text("")
    (source / "winepkg" / "wines.py").write_text(WINE)
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "wine-tasks"\nversion = "1.2"\n'
        '[tool.setuptools]\npackages = ["winepkg"]\n'
        f'[project.entry-points."{GROUP}"]\nwine = "winepkg.wines:Wine"\n'
    )
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True)
    return target


def run(environment: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The suite where that package is installed."""
    command = [sys.executable, str(ROOT / "run_suite.py"), *map(str, arguments)]
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(environment)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installed_package_brings_its_task(environment):
    """`pip install` is all that it takes."""
    done = run(environment, "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    summary = "Which of three growers made this wine? 178 wines, 13 measures."
    assert json.loads(done.stdout)["tasks"]["wine"] == summary


@pytest.mark.slow
def test_an_installed_task_runs_to_its_winner(environment, tmp_path):
    """In a study, and in the child that trains winners again on TensorFlow."""
    study = tmp_path / "wine.toml"
    study.write_text('question = "?"\nseeds = 2\nepochs = 3\n[factors]\nunits = [8, 16]\n')
    done = run(environment, "-t", "wine", "-s", study, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "out" / "models" / "wine.keras").is_file()
