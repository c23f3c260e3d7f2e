"""`table-rewards adapter`: where the file is that a trainer loads."""

from __future__ import annotations

import argparse
from typing import Final

from table_rewards.commands.exit_codes import DONE
from table_rewards.commands.installed import shipped
from table_rewards.core.errors import one_of

ADAPTERS: Final = {
    "verl": "adapters/verl/table_rewards_verl.py",
    "openrlhf": "adapters/openrlhf/table_rewards_openrlhf.py",
    "slime": "adapters/slime/table_rewards_slime.py",
    "swift": "adapters/swift/table_rewards_swift.py",
    "swift-filter": "adapters/swift_filter/table_rewards_swift_filter.py",
    "swift-metrics": "adapters/swift_metrics/table_rewards_swift_metrics.py",
}

DESCRIPTION = """\
Print the path of the file that a trainer loads; it is in every installation.

  verl           reward.custom_reward_function.path= (0.7 and later also take pkg://table_rewards.frameworks.verl)
  openrlhf       --reward.remote_url, with TABLE_REWARDS_REWARD=teds
  slime          --custom-rm-path table_rewards_slime.teds, or table_rewards.frameworks.slime.teds without a file
  swift          --external_plugins; the rewards
  swift-filter   --external_plugins, beside it: generates cut-off and unscored completions again (opt-in)
  swift-metrics  --external_plugins, beside it: logs the parts of rewards (opt-in)
"""

EPILOG = """\
examples:
  table-rewards verl-args teds --verl-version 0.9.1
  swift rlhf --rlhf_type grpo --external_plugins "$(table-rewards adapter swift)" --reward_funcs table_bench ...
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.add_argument("framework", metavar="FRAMEWORK", help=", ".join(ADAPTERS))


def run(arguments: argparse.Namespace) -> int:
    name = one_of("adapter", arguments.framework.replace("_", "-"), ADAPTERS)
    print(shipped(ADAPTERS[name]))
    return DONE
