"""`python -m harness.load`: a load worker."""

import sys

from harness.load.worker import main

sys.exit(main())
