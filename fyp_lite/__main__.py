"""`python -m fyp_lite` is the command `fyp-lite`."""

import sys

from fyp_lite.cli.main import main

sys.exit(main())
