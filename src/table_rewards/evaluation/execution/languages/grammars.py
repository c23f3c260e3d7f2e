"""What plain data is made of in C++, C#, Go, Java and PHP: the types and constructors that a value needs, no others."""

from __future__ import annotations

import re
from typing import Final

from table_rewards.evaluation.execution.languages.plain_data import CHARACTER, DOUBLE, Grammar

_RAW: Final = r"`[^`]*`"
_VERBATIM: Final = r'@"(?:[^"]|"")*"'
_BLOCK: Final = r'"""(?:[^\\"]|\\.|"(?!""))*"""'
_MULTILINE: Final = (r'"(?:[^\\"]|\\.)*"', r"'(?:[^\\']|\\.)*'")
_ESCAPE: Final = re.compile(r"\\(?:u+([\da-fA-F]{4})|(.))", re.DOTALL)
_FILLS: Final = re.compile(r'^"(?:.*[^\\])?(?:\\\\)*(?:\$[A-Za-z_{]|\{\$)', re.DOTALL)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _java_characters(text: str) -> str:
    """The characters that Java reads before anything else.

    >>> _java_characters(r"\\u0022 and \\\\u0022")
    '" and \\\\\\\\u0022'
    """
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[0], text)


CPP: Final = Grammar(
    strings=(r'R"\([^"]*?\)"', DOUBLE, CHARACTER),
    names=_set(
        "true false nullptr NULL INFINITY NAN std string string_view vector map unordered_map set unordered_set list "
        "deque array pair make_pair tuple make_tuple optional make_optional nullopt variant any monostate "
        "initializer_list multimap multiset numeric_limits max min lowest infinity quiet_NaN long int short char bool "
        "float double unsigned signed const auto size_t int32_t int64_t uint32_t uint64_t"
    ),
    marks=r"::|[\[\](){},.+*/%<>-]",
    generic=True,
    refused=re.compile(r"\?\?/"),
)
CS: Final = Grammar(
    strings=(_VERBATIM, DOUBLE, CHARACTER),
    names=_set(
        "true false null default new string String char bool byte sbyte short int long uint ulong float double decimal "
        "object dynamic Int32 Int64 Double Boolean Char Object BigInteger List Dictionary HashSet SortedSet "
        "SortedDictionary Queue Stack LinkedList IEnumerable IList IDictionary KeyValuePair Tuple ValueTuple Create "
        "Nullable Array Enumerable System Collections Generic Linq Numerics StringBuilder var"
    ),
    methods=_set(
        "Empty Create Repeat Range ToList ToArray ToString ToUpper ToLower ToHashSet Concat Join MaxValue MinValue "
        "NaN PositiveInfinity NegativeInfinity Reverse PadLeft PadRight Trim Add"
    ),
    marks=r"[\[\](){},.:?+*/%<>=-]",
    generic=True,
)
GO: Final = Grammar(
    strings=(_RAW, DOUBLE, CHARACTER),
    names=_set(
        "true false nil map string bool byte rune int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr "
        "float32 float64 complex64 complex128 interface any struct error make strings math"
    ),
    methods=_set("Repeat Join ToUpper ToLower TrimSpace Inf NaN MaxInt64 MinInt64 MaxInt MinInt MaxFloat64 Pi"),
)
JAVA: Final = Grammar(
    strings=(_BLOCK, DOUBLE, CHARACTER),
    names=_set(
        "true false null new String CharSequence Character Boolean Byte Short Integer Long Float Double Object Number "
        "BigInteger BigDecimal char boolean byte short int long float double var final java util lang math org "
        "javatuples stream List ArrayList LinkedList Arrays Collections Map HashMap LinkedHashMap TreeMap Set HashSet "
        "LinkedHashSet TreeSet Collection Deque ArrayDeque Queue Optional OptionalInt OptionalLong Unit Pair Triplet "
        "Quartet Quintet Sextet Septet Octet Ennead Decade Entry AbstractMap SimpleEntry Stream IntStream LongStream "
        "StringBuilder put add"
    ),
    methods=_set(
        "asList of ofNullable empty with emptyList emptyMap emptySet singletonList singletonMap singleton nCopies "
        "ofEntries entry valueOf parseLong parseInt repeat toString toUpperCase toLowerCase concat join copyOf "
        "MAX_VALUE MIN_VALUE NaN POSITIVE_INFINITY NEGATIVE_INFINITY ZERO ONE TEN put add toList boxed range "
        "rangeClosed longValue intValue doubleValue trim"
    ),
    marks=r"[\[\](){},.;?+*/%<>-]",
    generic=True,
    block_ends=True,
    unread=_java_characters,
)
PHP: Final = Grammar(
    strings=_MULTILINE,
    names=_set(
        "array list true false null True False Null None TRUE FALSE NULL INF NAN PHP_INT_MAX PHP_INT_MIN PHP_EOL M_PI "
        "int float string bool object str_repeat range array_fill array_combine implode join explode strrev chr "
        "strtoupper strtolower str_split stdClass new"
    ).difference(("None",)),
    marks=r"=>|[\[\](){},.+*/%-]",
    joins=True,
    refused=_FILLS,
)
