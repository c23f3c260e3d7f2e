"""A place in the tokens of an answer, and the levels of the grammar that readers of every level call."""

from __future__ import annotations

from table_rewards.rewards.mathematics.bounds import MAX_NESTING
from table_rewards.rewards.mathematics.tokens import Token
from table_rewards.rewards.mathematics.tree import Node, Unreadable


class Cursor:
    """The tokens and where reading stands; the levels of the grammar, from the whole down, are in the classes above."""

    def __init__(self, tokens: list[Token], *, words: bool = True) -> None:
        self.tokens, self.at, self.depth, self.words = tokens, 0, 0, words
        self.bars = self.colons = self.differentials = 0

    def peek(self, ahead: int = 0) -> Token:
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else Token("eof", "")

    def take(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def accept(self, *values: str) -> bool:
        token = self.peek()
        if token.value in values and token.kind in ("ch", "cmd"):
            self.at += 1
            return True
        return False

    def expect(self, value: str) -> None:
        if not self.accept(value):
            raise self.stopped()

    def stopped(self) -> Unreadable:
        token = self.peek()
        return Unreadable(f"{token.value!r} at {self.at}" if token.kind != "eof" else "it ends too early")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise Unreadable(f"nested {self.depth} deep")

    def with_words(self, start: int) -> Node:
        raise NotImplementedError

    def listing(self, *, top: bool = False) -> Node:
        raise NotImplementedError

    def relation(self) -> Node:
        raise NotImplementedError

    def sum(self) -> Node:
        raise NotImplementedError

    def product(self) -> Node:
        raise NotImplementedError

    def power(self) -> Node:
        raise NotImplementedError

    def text_behind(self, node: Node) -> Node | None:
        raise NotImplementedError

    def raised(self, node: Node) -> Node:
        raise NotImplementedError

    def argument(self, *, whole: bool = False) -> Node:
        raise NotImplementedError

    def braced(self) -> Node:
        raise NotImplementedError

    def declares(self) -> bool:
        raise NotImplementedError

    def starts(self, token: Token) -> bool:
        raise NotImplementedError

    def atom(self) -> Node:
        raise NotImplementedError

    def bracket(self, opener: str) -> Node:
        raise NotImplementedError
