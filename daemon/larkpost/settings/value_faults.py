"""Describes invalid values of settings in plain words, instead of pydantic's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXTS = {
    "string_type": "it must be text",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_parsing_size": "it must be a smaller number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number",
    "finite_number": "it must be a finite number",
    "bool_type": "it must be true or false",
    "bool_parsing": "it must be true or false",
    "greater_than": "it must be more than {gt}",
    "greater_than_equal": "it must be at least {ge}",
    "less_than": "it must be less than {lt}",
    "less_than_equal": "it must be at most {le}",
    "string_too_long": "it may have {max_length} characters at most",
    "string_too_short": "it must not be empty",
    "string_pattern_mismatch": "it may have only A-Z, a-z, 0-9 and . _ -",
    "literal_error": "it must be one of {expected}",
    "model_type": "it must be a section with names and values",
    "dict_type": "it must be a section with names and values",
    "time_type": "it must be a local time such as 06:00",
    "time_parsing": "it must be a local time such as 06:00",
    "time_delta_type": "it must be a local time such as 06:00",
}
UNKNOWN = "this setting does not take such a value"
_OURS = "Value error, "


def describe_fault(fault: Mapping[str, Any]) -> str:
    """Describe one of ``ValidationError.errors()``; our own validators state their reasons."""
    if fault["type"] == "value_error":
        return str(fault["msg"]).removeprefix(_OURS)
    return _TEXTS.get(fault["type"], UNKNOWN).format_map(fault.get("ctx", {}))
