"""The facts of a sentence: a wrong number or direction costs its share, the same thing said otherwise costs nothing."""

from __future__ import annotations

import pytest

from table_rewards.text.facts import facts_of, facts_stated

SAME = [
    ("Yes, sales rose by 12%", "Yes, sales soared by 12 %"),
    ("Sales dropped by 12 percent", "Sales plummeted by 12 percent"),
    ("Output grew by 1.5 million", "output increased by 1,500,000"),
    ("销量下降了12%", "销量下降了百分之十二"),
    ("销量下降了百分之十二", "销量下滑12%"),
    ("增长了 3 万", "增加了 30,000"),
    ("an outlier in row 5", "row five holds an outlier"),
    ("第3行有异常", "第三行有异常"),
    ("There is no correlation", "They are uncorrelated"),
    ("No, it does not cause it", "No: the two have no causal relationship"),
    ("不存在因果关系", "两者之间没有因果关系"),
    ("不仅存在正相关", "存在正相关"),
    ("No anomalies are detected in the table.", "The table holds no anomaly"),
    ("没有发现异常值", "表中不存在异常"),
    ("They are inversely correlated", "There is a negative correlation"),
    ("The river is longer.", "It is longer."),
]
OTHER = [
    ("Sales rose", "Sales fell"),
    ("It went up", "It went down"),
    ("销量上升", "销量下降"),
    ("逐年递增", "逐年递减"),
    ("有所回升", "有所回落"),
    ("呈正相关", "呈负相关"),
    ("较高", "较低"),
    ("超过去年", "低于去年"),
    ("A is faster", "A is slower"),
    ("It improved", "It got worse"),
    ("There is a causal relationship", "There is no causal relationship"),
    ("存在因果关系", "不存在因果关系"),
    ("No anomalies are detected in the table", "Two anomalies are detected in the table"),
    ("没有发现异常值", "发现异常值"),
    ("成正比", "成反比"),
    ("the values are 12 and 13", "the values are 21 and 31"),
    ("下降了百分之十二", "下降了百分之十三"),
]


@pytest.mark.parametrize(("gold", "answer"), SAME)
def test_the_same_facts_in_other_words_are_all_stated(gold: str, answer: str) -> None:
    assert facts_stated(gold, answer) == facts_stated(gold, gold) == 1.0


@pytest.mark.parametrize(("gold", "answer"), OTHER)
def test_another_fact_is_not_the_one_asked_for(gold: str, answer: str) -> None:
    assert facts_stated(gold, answer) <= 0.5
    assert facts_stated(answer, gold) <= 0.5


def test_both_directions_at_once_are_worth_half() -> None:
    assert facts_stated("Sales rose", "Sales rose and fell") == 0.5
    assert facts_stated("销量上升, 呈正相关", "销量上升下降, 呈正相关") == 0.75


def test_a_relation_that_is_not_denied_makes_up_for_no_wrong_number() -> None:
    assert facts_stated("A causes B (0.99)", "A causes B (0.10)") == 0.0
    assert facts_stated("A causes B (0.99)", "A does not cause B (0.99)") == 0.5


def test_numbers_in_words_are_asked_of_no_answer() -> None:
    assert facts_of("The two anomalies").numbers == frozenset()
    assert facts_stated("The two anomalies are 51 and 59", "51 and 59") == 1.0
