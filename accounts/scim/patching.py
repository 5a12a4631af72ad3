"""PATCH of RFC 7644 (section 3.5.2) on plain documents, in the dialects that directories speak. Pure.

Names of attributes come in any case; a document has them in lower case. What a path cannot find is added, as Entra ID
expects for e-mail addresses; what is not known is ignored by who reads the document afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.scim.errors import InvalidPath, InvalidSyntax
from accounts.scim.filters import Condition, Path, parse_path

Document = dict[str, Any]

MULTIVALUED = {"emails", "members", "phonenumbers", "addresses", "roles"}
MAX_OPERATIONS = 10_000


def lowered(value: Any) -> Any:
    """The value with all names of attributes in lower case."""
    if isinstance(value, dict):
        return {str(name).lower(): lowered(part) for name, part in value.items()}
    return [lowered(part) for part in value] if isinstance(value, list) else value


def patched(document: Document, operations: Any) -> Document:
    """The document after all operations. Raises InvalidSyntax, InvalidPath."""
    if not isinstance(operations, list) or not operations or len(operations) > MAX_OPERATIONS:
        raise InvalidSyntax("Operations is a list of operations")
    result = lowered(document)
    for operation in map(lowered, operations):
        if not isinstance(operation, dict):
            raise InvalidSyntax("an operation is an object")
        verb = str(operation.get("op", "")).lower()
        if verb not in ("add", "replace", "remove"):
            raise InvalidSyntax(f"op is add, replace or remove, not {verb[:20]!r}")
        path, value = operation.get("path"), operation.get("value")
        if path:
            _change(result, verb, str(path), value)
        elif verb == "remove" or not isinstance(value, dict):
            raise InvalidPath("an operation without a path has an object as its value, and removes nothing")
        else:
            for name, part in value.items():  # Okta sends objects, Entra ID names like name.givenName too
                _change(result, verb, name, part)
    return result


def _change(document: Document, verb: str, text: str, value: Any) -> None:
    path = parse_path(text)
    if path is None:
        return
    if path.attribute in MULTIVALUED:
        _change_list(document, verb, path, value)
    elif path.part is not None:
        inner = document.setdefault(path.attribute, {})
        if not isinstance(inner, dict):
            raise InvalidPath(f"{path.attribute} has no parts")
        _set(inner, verb, path.part, value)
    elif verb != "remove" and isinstance(value, dict) and isinstance(document.get(path.attribute), dict):
        document[path.attribute] |= value
    else:
        _set(document, verb, path.attribute, value)


def _set(document: Document, verb: str, name: str, value: Any) -> None:
    if verb == "remove":
        document.pop(name, None)
    else:
        document[name] = value


def _change_list(document: Document, verb: str, path: Path, value: Any) -> None:
    items: list[Any] = list(document.get(path.attribute) or [])
    if path.choice is not None:
        document[path.attribute] = _chosen(items, verb, path, path.choice, value)
    elif verb == "add":
        document[path.attribute] = _joined(items, _listed(value))
    elif verb == "replace":
        document[path.attribute] = _listed(value)
    else:  # Entra ID names what to remove in the value
        gone = {_key(item) for item in _listed(value)} if value else None
        document[path.attribute] = [item for item in items if gone is not None and _key(item) not in gone]


def _chosen(items: Sequence[Any], verb: str, path: Path, choice: Condition, value: Any) -> list[Any]:
    """The list with a change to the items that the path chooses."""
    chosen = [item for item in items if isinstance(item, dict) and _fits(item, choice)]
    if verb == "remove" and path.part is None:
        return [item for item in items if item not in chosen]
    if not chosen and verb != "remove":
        chosen = [{choice.attribute: choice.value}]
        items = [*items, *chosen]
    for item in chosen:
        if path.part is not None:
            _set(item, verb, path.part, value)
        elif isinstance(value, dict):
            item |= value
    return list(items)


def _fits(item: Document, choice: Condition) -> bool:
    held = item.get(choice.attribute)
    return (str(held).lower() if isinstance(held, bool) else str(held)) == choice.value


def _listed(value: Any) -> list[Any]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [item if isinstance(item, dict) else {"value": item} for item in items]


def _joined(items: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    """Both; of those with the same value the later one."""
    return list({_key(item): item for item in [*items, *more]}.values())


def _key(item: Any) -> str:
    return str(item.get("value")) if isinstance(item, dict) else str(item)
