"""`python -m incidents` is `incidents`."""

import sys

from incidents.cli import main

if __name__ == "__main__":
    sys.exit(main())
