"""Write the golden files anew: `python tests/golden/renew.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from test_tables import renew  # noqa: E402  # found by the line above

if __name__ == "__main__":
    renew()
