"""Answers about tables as sets of values: WikiTableQuestions and WikiSQL."""
