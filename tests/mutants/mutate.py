"""Faults that are put into the product, one at a time."""

import ast
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
import random
from typing import override

_PAIRS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.Lt: ast.LtE,
    ast.Gt: ast.GtE,
    ast.Is: ast.IsNot,
    ast.In: ast.NotIn,
    ast.And: ast.Or,
    ast.Add: ast.Sub,
    ast.BitOr: ast.BitAnd,
}
_OPPOSITES = _PAIRS | {other: one for one, other in _PAIRS.items()}


# A statement of a function, a piece of it, and faulty code for the piece
type Fault = tuple[ast.stmt, ast.expr | ast.stmt, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """One fault: a piece of a file (its bytes from start to end), and another for it."""

    path: str
    start: int
    end: int
    lines: range
    before: str
    after: str

    def applied_to(self, source: bytes) -> bytes:
        return source[: self.start] + self.after.encode() + source[self.end :]

    @override
    def __str__(self) -> str:
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.path}:{self.lines[-1]}: {before}  ->  {after}"


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """Return all mutants of a file's functions."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = {}
    for statement, node, after in _faults(ast.parse(source)):
        last = node.end_lineno or node.lineno
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[last - 1] + (node.end_col_offset or 0)
        if source[start:end].decode() == after:
            continue
        found[start, end, after] = Mutant(
            path=path,
            start=start,
            end=end,
            lines=range(statement.lineno, last + 1),
            before=source[start:end].decode(),
            after=after,
        )
    return list(found.values())


def draw(mutants: list[Mutant], number: int, seed: int) -> list[Mutant]:
    """Return so many of some mutants, drawn by a seed."""
    return random.Random(seed).sample(mutants, min(number, len(mutants)))


def _faults(tree: ast.AST) -> Iterator[Fault]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in function.body:
                yield from _in(statement, statement)


def _in(statement: ast.stmt, node: ast.AST) -> Iterator[Fault]:
    statement = node if isinstance(node, ast.stmt) else statement
    for piece, after in _of(node):
        yield statement, piece, after
    for name, value in ast.iter_fields(node):
        # Annotations are not evaluated.
        if name not in {"annotation", "returns", "decorator_list"}:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _in(statement, child)


def _of(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    match node:
        case ast.Expr(value=ast.Constant()):  # a docstring
            pass
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="debug"))):
            pass  # no behaviour that anybody depends on
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Delete():
            yield node, "pass"
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield node, "return None"
        case ast.If() | ast.While() | ast.IfExp():
            yield node.test, "True"
            yield node.test, "False"
        case ast.Compare(ops=[operator]) if type(operator) in _OPPOSITES:
            yield node, _changed(node, ops=[_OPPOSITES[type(operator)]()])
        case ast.BoolOp() | ast.BinOp() if type(node.op) in _OPPOSITES:
            yield node, _changed(node, op=_OPPOSITES[type(node.op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield node, f"({ast.unparse(node.operand)})"
        case ast.Constant(value=bool() as value):
            yield node, str(not value)
        case ast.Constant(value=int() | float() as value):
            yield node, repr(value + 1)


def _changed(node: ast.expr, **parts: object) -> str:
    changed = copy(node)
    for name, part in parts.items():
        setattr(changed, name, part)
    return f"({ast.unparse(changed)})"
