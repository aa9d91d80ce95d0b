"""`python -m musicgen` is the command `musicgen`."""

import sys

from musicgen.studio.cli import main

sys.exit(main())
