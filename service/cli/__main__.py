"""`python -m service.cli` is the command `facepulse`."""

import sys

from service.cli import main

sys.exit(main())
