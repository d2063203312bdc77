"""Turns: a question, the answer being written, and everybody who follows it."""
