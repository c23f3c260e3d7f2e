"""Chinese numerals, where the answer is one: ``十二``, ``三千零五``, ``三分之二``, ``百分之五十``."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

_DIGITS: Final = {
    **{sign: value for value, sign in enumerate("零一二三四五六七八九")},
    "〇": 0, "两": 2, "壹": 1, "贰": 2, "叁": 3, "肆": 4, "伍": 5, "陆": 6, "柒": 7, "捌": 8, "玖": 9,
}  # fmt: skip
_TENS: Final = {"十": 10, "百": 100, "千": 1_000, "拾": 10, "佰": 100, "仟": 1_000}
_LARGE: Final = {"万": 10**4, "亿": 10**8, "萬": 10**4, "億": 10**8}
_NUMERAL = re.compile(
    r"负?[零〇一二三四五六七八九两十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟萬億]{1,24}(?:点[零〇一二三四五六七八九]{1,12})?"
)


_MEASURES: Final = (
    "个 只 本 人 元 名 张 条 枝 支 棵 辆 次 种 岁 米 厘米 毫米 分米 千米 公里 千克 公斤 克 吨 升 毫升 "
    "小时 分钟 秒 天 周 年 页 块 件 双 朵 颗 根 台 道 题 箱 袋 瓶 盒 杯 桶 头 匹 位 组 场 遍 层 倍 度 "
    "平方米 平方厘米 平方千米 立方米 立方厘米 美元 英里 英尺"
)
_COUNTED = re.compile(rf"(\S{{1,24}}?)({'|'.join(sorted(_MEASURES.split(), key=len, reverse=True))})")


def chinese_number(text: str) -> Fraction | None:
    """The value of a numeral, or None when ``text`` is anything else.

    >>> [str(chinese_number(text)) for text in ("十二", "三千零五", "三分之二", "百分之五十", "二点五", "五人", "12")]
    ['12', '3005', '2/3', '1/2', '5/2', 'None', 'None']
    """
    if text.isascii():
        return None
    below, parted, above = text.partition("分之")
    if parted:
        bottom, top = (Fraction(100) if below == "百" else chinese_number(below)), chinese_number(above)
        return top / bottom if top is not None and bottom else None
    if not _NUMERAL.fullmatch(text):
        return None
    if text[0] == "负":
        inner = chinese_number(text[1:])
        return None if inner is None else -inner
    whole, _, places = text.partition("点")
    value = _whole(whole)
    if value is None:
        return None
    digits = "".join(str(_DIGITS[sign]) for sign in places)
    return value + (Fraction(int(digits), 10 ** len(digits)) if digits else 0)


def counted(text: str) -> tuple[Fraction | None, str]:
    """A numeral and the measure word or unit behind it; (None, "") for anything else.

    >>> counted("十二个"), counted("三角形"), counted("五厘米")
    ((Fraction(12, 1), '个'), (None, ''), (Fraction(5, 1), '厘米'))
    """
    match = _COUNTED.fullmatch(text)
    number = chinese_number(match[1]) if match else None
    return (number, match[2]) if match and number is not None else (None, "")


def _whole(text: str) -> Fraction | None:
    if all(sign in _DIGITS for sign in text):
        if len(text) > 1 and "两" in text:
            return None
        return Fraction(int("".join(str(_DIGITS[sign]) for sign in text)))
    total = section = digit = 0
    for sign in text:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _TENS:
            section += (digit or 1) * _TENS[sign]
            digit = 0
        else:
            total = (
                (total + section + digit) * _LARGE[sign]
                if _LARGE[sign] == 10**8
                else (total + (section + digit) * _LARGE[sign])
            )
            section = digit = 0
    return Fraction(total + section + digit)
