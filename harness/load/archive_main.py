"""What a load worker's archive runs: the plan in the file that is named, where Python is new enough.

It must be readable to every Python 3, so that an old one can be told what it is. It becomes the archive's `__main__`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is what finds it out
    version = "%d.%d.%d" % sys.version_info[:3]  # noqa: UP031
    print('{"refused": "the image has Python %s, and the load worker needs 3.11 or newer"}' % version)  # noqa: UP031
    sys.exit(2)

from harness.load.program import main

sys.exit(main(sys.argv[1:]))
