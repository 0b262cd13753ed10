"""`python -m xerotui`: the same as the installed command. Nothing else lives here."""

import sys

from xerotui.main import main

sys.exit(main())
