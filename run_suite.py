"""Run the suite; `python run_suite.py --help` says how."""

from suite.cli import main

if __name__ == "__main__":
    main()
