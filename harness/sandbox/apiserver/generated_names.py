"""A prefix -> a generated name, as `generateName` and the controllers make them.

The alphabet has no vowels and no 0, 1, 3, so that no words come about (apimachinery `pkg/util/rand`).
"""

from __future__ import annotations

import random

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LENGTH = 5
_LONGEST_PREFIX = 63 - SUFFIX_LENGTH


def with_suffix(prefix: str) -> str:
    """`prefix` with five random characters, cut so that the name is a valid label."""
    return prefix[:_LONGEST_PREFIX] + "".join(random.choices(ALPHABET, k=SUFFIX_LENGTH))


def safe_encoded(number: int) -> str:
    """The decimal digits of `number`, each replaced by a character of the alphabet (`SafeEncodeString`)."""
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(number))
