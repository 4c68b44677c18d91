"""The command ``python -m i2vbook.evidence``: `i2vbook.evidence.runs`."""

import sys

from i2vbook.evidence.runs import main

if __name__ == "__main__":
    sys.exit(main())
