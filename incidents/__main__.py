"""The entry point of `python -m incidents`, which does the same as `incidents`."""

import sys

from incidents.cli import main

if __name__ == "__main__":
    sys.exit(main())
