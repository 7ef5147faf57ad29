"""`python -m aggressor`: the same as the command `aggressor`."""

import sys

from aggressor.cli import main

if __name__ == "__main__":
    sys.exit(main())
