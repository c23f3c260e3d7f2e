"""Fingerprints of prompts."""

from __future__ import annotations

import hashlib

import pytest

from table_rewards import ConfigurationError
from table_rewards.text.fingerprint import check_fingerprint, fingerprint


def test_a_fingerprint_is_the_beginning_of_the_sha_256_and_the_length_in_characters():
    assert fingerprint("é") == f"#{hashlib.sha256('é'.encode()).hexdigest()[:16]}/1"
    assert fingerprint("a") != fingerprint("a\n")


def test_equal_prompts_pass_and_others_are_refused_with_what_differs():
    check_fingerprint("a", fingerprint("a"), "mine.txt")
    check_fingerprint("a", fingerprint("a").removeprefix("#"), "mine.txt")
    check_fingerprint("a", None, "mine.txt")
    with pytest.raises(ConfigurationError, match=r"mine.txt gives another prompt.*of the same length"):
        check_fingerprint("b", fingerprint("a"), "mine.txt")
    with pytest.raises(ConfigurationError, match="a newline that an editor may have added"):
        check_fingerprint("a\n", fingerprint("a"), "mine.txt")
    with pytest.raises(ConfigurationError, match="16 digits"):
        check_fingerprint("a", "#12", "mine.txt")
