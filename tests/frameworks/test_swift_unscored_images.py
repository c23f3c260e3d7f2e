"""Prompts about images often share one text: a failed sample must still get the mean of its own group."""

from __future__ import annotations

import json

import pytest

from table_rewards.frameworks.swift import make
from table_rewards.testing.chat_server import ChatServer


def column(text, answer):
    return {
        "messages": [{"role": "user", "content": "<image>Read the table."}, {"role": "assistant", "content": text}],
        "qa_pairs": json.dumps([{"question": "What is b?", "answer": answer}]),
        "images": ["same-name.png"],
    }


def test_an_unscored_sample_gets_the_mean_of_its_own_image(monkeypatch):
    texts = ["<fcel>a<fcel>1<nl>", "<fcel>a<fcel>2<nl>", "<fcel>a<fcel>3<nl>", "<fcel>a<fcel>4<nl>"]
    rows = [column(text, answer) for text, answer in zip(texts, ["right", "right", "wrong", "wrong"], strict=True)]

    def reply(request):
        return "" if "<td>4</td>" in request["messages"][1]["content"] else "<answer>right</answer>"

    with ChatServer(reply=reply) as server:
        monkeypatch.setenv("TABLE_REWARDS_QA_F1_ENDPOINTS", server.url)
        reward = make("qa_f1", "QA_F1_score", {})()
        scores = reward(texts, **{name: [row[name] for row in rows] for name in rows[0]})
    assert scores == [1.0, 1.0, 0.0, pytest.approx(0.0)]  # not 2/3, the mean of all
