"""A suite that tries the sandbox on the machine where it will be used."""

from table_rewards.testing.sandbox.check import CaseResult, Report, applicable, check_sandbox, modes_of, run_case

__all__ = ["CaseResult", "Report", "applicable", "check_sandbox", "modes_of", "run_case"]
