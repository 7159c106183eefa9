"""Conditions as rows of JSON and of configurations."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from dmml_tf.conditions.condition import Condition
from tfrecords_tools.errors import UserError

# Every row has held these since the first run was saved, whatever its kind, and kept figures are found by a row's text.
_EVERY_ROW: dict[str, Any] = {
    "name": "",
    "kind": "",
    "column": "",
    "width": 64,
    "tolerance": 0.0,
    "weight": 1.0,
    "share": 1.0,
    "file": "",
}


def to_row(condition: Condition) -> dict[str, Any]:
    """A plain dictionary; `from_row` reads it back. Fields that came later are written only where they are set."""
    fields = {**dataclasses.asdict(condition), "kind": condition.kind}
    unset = {field.name for field in dataclasses.fields(condition) if fields[field.name] == field.default}
    later = {name: value for name, value in fields.items() if name not in _EVERY_ROW and name not in unset}
    return {**{name: fields.get(name, blank) for name, blank in _EVERY_ROW.items()}, **later}


def from_row(row: Mapping[str, Any]) -> Condition:
    """Inverse of `to_row`; also takes rows that leave out fields with a default.

    Raises:
        UserError: as `class_of_row`, and as the kind's constructor does.
        TypeError: on a field that no kind has.
    """
    kind, fields = class_of_row(row)
    return kind(**fields)


def class_of_row(row: Mapping[str, Any]) -> tuple[type[Condition], dict[str, Any]]:
    """The class of the row's kind, and the row's fields without those of other kinds.

    Raises:
        UserError: on a row without a kind or with an unknown one, or that sets a field of another kind alone.
    """
    name, kinds = row["name"], Condition.kinds
    fields = {field: value for field, value in row.items() if field != "kind"}
    if row.get("kind") not in kinds:
        said = f"unknown kind '{row['kind']}'" if "kind" in row else "it has no kind"
        raise UserError(f"condition '{name}': {said}; known are: {', '.join(kinds)}")
    kind = kinds[row["kind"]]
    own = _defaults(kind)
    for other, unset in ((other, _defaults(other)) for other in kinds.values()):
        for field in [field for field in fields if field in unset and field not in own]:
            if fields[field] != unset[field]:
                raise UserError(f"condition '{name}': {field} is for kind '{other.kind}', not for '{kind.kind}'")
            del fields[field]
    return kind, fields


def _defaults(kind: type[Condition]) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(kind)}
