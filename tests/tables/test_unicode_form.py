"""NFKC of long texts: the same as Python's, but for texts that no script has."""

from __future__ import annotations

import random
import unicodedata

from table_rewards.tables.unicode_form import _stands_alone, nfkc


def test_long_texts_are_normalised_as_unicodedata_does():
    rng = random.Random(1)
    letters = [chr(rng.randrange(0xE000)) for _ in range(3_000)] + [
        chr(rng.randrange(0x10000, 0x30000)) for _ in "." * 99
    ]
    marks = [chr(code) for code in (*range(0x300, 0x340), *range(0x1100, 0x1200), 0x0F73, 0x3099, 0x0BBE, 0xFF9E)]
    letters = [letter for letter in letters if not "\ud800" <= letter <= "\udfff"] + marks + [*"ab é漢字カガ각ﬁ①"] * 20
    for length in (255, 256, 257, 512, 900, 5_000):
        for _ in range(50):
            text = "".join(rng.choices(letters, k=length))
            assert nfkc(text) == unicodedata.normalize("NFKC", text)


def test_no_character_at_which_a_text_is_cut_joins_the_one_before():
    before = [
        "a",
        "e\u0301\u0323",
        "\u1100",
        "\uac00",
        "\u0f71",
        "\u0915",
        "\u0bc6",
        "\u0cc6",
        "\u0dd9",
        "\u1025",
        "か",
    ]
    for code in range(0x30000):
        letter = chr(code)
        if not "\ud800" <= letter <= "\udfff" and _stands_alone(letter):
            for one in before:
                apart = unicodedata.normalize("NFKC", one) + unicodedata.normalize("NFKC", letter)
                assert unicodedata.normalize("NFKC", one + letter) == apart, hex(code)


def test_a_long_text_does_not_grow_eighteenfold():
    text = "\ufdfa" * 10_000
    assert len(nfkc(text)) < 6 * len(text)
    assert nfkc("\ufdfa" * 10) == unicodedata.normalize("NFKC", "\ufdfa" * 10)
