"""What the exit status of every command means."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
INCOMPLETE: Final = 1
MISUSE: Final = 2
UNUSABLE_FILE: Final = 3
INTERRUPTED: Final = 130

MEANINGS: Final = {
    DONE: "done",
    INCOMPLETE: "done, but not for enough rows: more unscored than --fail-on-unscored allows, prompts unanswered",
    MISUSE: "misuse: an unknown name, an option that cannot work, something that is not installed",
    UNUSABLE_FILE: "a file is missing, damaged, lacks a column that is needed, or cannot be written (a full disk)",
    INTERRUPTED: "interrupted; the same command continues where it stopped",
}
