"""`incidents` with a dispatcher that waits for two seconds where it would wait for half a minute.

python -m tests.daemon.impatient WORDS
"""

import sys
from datetime import timedelta

from incidents.cli import main
from incidents.enforcement import round as rounds

rounds.LEASE, rounds.ATTEMPT_S = timedelta(seconds=2), 1.0

if __name__ == "__main__":
    sys.exit(main())
