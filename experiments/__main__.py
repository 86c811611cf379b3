"""`python -m experiments` is the `kuznechik` command."""

import sys

from experiments.cli import main

sys.exit(main())
