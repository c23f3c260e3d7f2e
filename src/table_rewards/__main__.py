"""``python -m table_rewards``: the command line."""

import sys

from table_rewards.commands.main import main

sys.exit(main())
