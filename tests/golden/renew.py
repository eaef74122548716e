"""Write the golden files anew: `python tests/golden/renew.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import test_search_tables  # noqa: E402  # found by the line above
import test_tables  # noqa: E402

if __name__ == "__main__":
    test_tables.renew()
    test_search_tables.renew()
