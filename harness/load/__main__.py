"""`python -m harness.load`: a load worker."""

import sys

from harness.load.program import main

sys.exit(main(sys.argv[1:]))
