"""Any JSON schema in the strict subset, and the way back."""

import pytest

from agentkit.schema.decoding import UndecodableError
from agentkit.schema.strict import to_strict


def only(schema, **more):
    """The strict form of a schema that is the one required property of an object."""
    root = {"type": "object", "properties": {"it": schema}, "required": ["it"], **more}
    strict = to_strict(root)
    assert strict.is_strict, strict.notes
    return strict.schema["properties"]["it"]


def decoded(schema, value, **more):
    root = {"type": "object", "properties": {"it": schema}, "required": ["it"], **more}
    return to_strict(root).decode({"it": value})["it"]


def pairs_of(value):
    entry = {
        "type": "object",
        "properties": {"key": {"type": "string"}, "value": value},
        "required": ["key", "value"],
        "additionalProperties": False,
    }
    text = "As a list of key and value pairs."
    return {"type": "array", "items": entry, "description": text}


def test_a_schema_that_is_strict_already_stays_as_it_is():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "format": "date", "description": "A day."}},
        "required": ["a"],
        "additionalProperties": False,
    }
    strict = to_strict(schema)
    assert (strict.schema, strict.is_strict, strict.notes) == (schema, True, [])
    value = {"a": "2024-05-31"}
    assert strict.decode(value) is value


def test_an_object_is_closed_and_its_optional_properties_nullable():
    strict = to_strict({"type": "object", "properties": {"a": {"type": "integer", "default": 3}}})
    assert strict.schema == {
        "type": "object",
        "properties": {
            "a": {
                "anyOf": [{"type": "integer"}, {"type": "null"}],
                "description": "Null for the default: 3.",
            }
        },
        "required": ["a"],
        "additionalProperties": False,
    }
    assert strict.decode({"a": None}) == {}
    assert strict.decode({"a": 4}) == {"a": 4}


def test_a_required_null_stays():
    assert decoded({"type": ["string", "null"]}, None) is None


def test_free_keys_become_pairs_and_come_back():
    schema = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert only(schema) == pairs_of({"type": "integer"})
    sent = [{"key": "a", "value": 3}, {"key": "b", "value": 2}]
    assert decoded(schema, sent) == {"a": 3, "b": 2}
    with pytest.raises(UndecodableError, match="it.a: given twice"):
        decoded(schema, [*sent, {"key": "a", "value": 1}])
    assert decoded(schema, {"a": 1}) == {"a": 1}


def test_pattern_properties_and_extras_become_pairs_too():
    by_pattern = {"type": "object", "patternProperties": {"^x": {"type": "integer"}}}
    node = only(by_pattern)
    assert node["items"]["properties"]["key"] == {"type": "string", "pattern": "^x"}
    assert decoded(by_pattern, [{"key": "xa", "value": 1}]) == {"xa": 1}

    taken = {"additional_properties": {"type": "null"}, "a": {"type": "integer"}}
    mixed = {"type": "object", "properties": taken, "additionalProperties": True, "required": ["a"]}
    assert list(only(mixed)["properties"]) == [
        "additional_properties",
        "a",
        "additional_properties_2",
    ]
    sent = {"a": 1, "additional_properties_2": [{"key": "b", "value": {"json": "[2]"}}]}
    assert decoded(mixed, sent) == {"a": 1, "b": [2]}


def test_an_extra_may_not_shadow_a_property():
    schema = {
        "type": "object",
        "properties": {"a": {}},
        "additionalProperties": {"type": "integer"},
    }
    sent = {"a": 1, "additional_properties": [{"key": "a", "value": 2}]}
    with pytest.raises(
        ValueError, match=r"it\.additional_properties: 'a' is a property of its own"
    ):
        decoded(schema, sent)


def test_tuples_become_objects_and_those_of_one_type_lists():
    integer, text = {"type": "integer"}, {"type": "string"}
    mixed = {"type": "array", "prefixItems": [integer, text], "minItems": 2, "maxItems": 2}
    assert only(mixed)["properties"] == {"item_1": integer, "item_2": text}
    assert decoded(mixed, {"item_1": 1, "item_2": "b"}) == [1, "b"]
    assert decoded(mixed, [1, "b"]) == [1, "b"]
    same = {**mixed, "prefixItems": [integer, integer]}
    assert only(same) == {"type": "array", "items": integer, "minItems": 2, "maxItems": 2}


def test_one_of_becomes_any_of_and_each_branch_is_decoded_as_its_own():
    def of(kind, value):
        return {
            "type": "object",
            "properties": {"kind": {"const": kind}, "value": value},
            "required": ["kind", "value"],
        }

    schema = {
        "oneOf": [
            of("map", {"type": "object", "additionalProperties": {"type": "string"}}),
            of("list", {"type": "array", "items": {"type": "object"}}),
        ],
        "discriminator": {"propertyName": "kind"},
    }
    assert only(schema).keys() == {"anyOf"}
    assert decoded(schema, {"kind": "map", "value": []}) == {"kind": "map", "value": {}}
    assert decoded(schema, {"kind": "list", "value": [[]]}) == {"kind": "list", "value": [{}]}


def test_siblings_of_a_reference_are_inlined_and_recursion_is_kept():
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/Node"}, "v": {"type": "integer", "default": 1}},
    }
    schema = {"$ref": "#/$defs/Node", "description": "The first."}
    root = only(schema, **{"$defs": {"Node": node}})
    assert root["description"] == "The first."
    assert root["properties"]["next"]["anyOf"] == [{"$ref": "#/$defs/Node"}, {"type": "null"}]
    value = {"next": {"next": None, "v": None}, "v": None}
    assert decoded(schema, value, **{"$defs": {"Node": node}}) == {"next": {}}


def test_a_recursive_root_is_inlined():
    schema = {
        "$ref": "#/$defs/N",
        "$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}},
    }
    strict = to_strict(schema)
    assert strict.schema["type"] == "object"
    assert strict.schema["$defs"].keys() == {"N"}
    assert strict.decode({"n": {"n": None}}) == {"n": {}}


def test_all_of_is_merged():
    parts = [{"$ref": "#/$defs/A"}, {"properties": {"b": {"type": "string"}}, "required": ["b"]}]
    a = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    node = only({"allOf": parts}, **{"$defs": {"A": a}})
    assert node["properties"] == {"a": {"type": "integer"}, "b": {"type": "string"}}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string", "minLength": 3}, "At least 3 characters."),
        ({"type": "string", "format": "uri"}, "Format: uri."),
        ({"type": "string", "pattern": "(?=a)b"}, "Matches the regular expression (?=a)b"),
        ({"type": "array", "items": {"type": "null"}, "uniqueItems": True}, "No duplicates."),
        ({"type": "integer", "not": {"const": 3}}, 'Also holds: {"not":{"const":3}}.'),
    ],
)
def test_what_strict_mode_lacks_is_said_in_words(schema, text):
    node = only({**schema, "description": "Something"})
    assert node["description"] == f"Something. {text}"
    assert node.keys() <= {"type", "items", "description"}


def test_enums_and_constants_get_a_type():
    assert only({"enum": ["a", 1, None]}) == {
        "type": ["string", "integer", "null"],
        "enum": ["a", 1, None],
    }
    assert only({"const": True}) == {"type": "boolean", "const": True}


def test_anything_is_a_union_with_json_text_for_the_rest():
    assert decoded({}, {"json": '{"a": [1]}'}) == {"a": [1]}
    assert decoded({}, "text") == "text"
    with pytest.raises(ValueError, match="it: expected JSON text"):
        decoded({}, {"json": "{"})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer"}},
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"type": "object", "additionalProperties": {"type": "integer"}},
    ],
)
def test_a_root_that_is_no_object_is_wrapped_in_one(schema):
    strict = to_strict(schema)
    assert list(strict.schema["properties"]) == ["value"]
    assert strict.schema["type"] == "object"
    assert strict.decode({"value": []}) in ([], {})


def big_enum(count):
    return {"type": "object", "properties": {"a": {"enum": [f"v{i}" for i in range(count)]}}}


def deep(levels):
    schema = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (
            {"type": "object", "properties": {f"p{i}": {"type": "null"} for i in range(5001)}},
            "5,000",
        ),
        (deep(11), "11 levels of nesting, 10 are allowed"),
        (deep(5000), "too deep"),
        (big_enum(1001), "1,000 are allowed"),
        ({"type": "object", "properties": {"a" * 120_001: {"type": "null"}}}, "120,000"),
        (
            {
                "type": "object",
                "properties": {"a": {"enum": ["x" * 100 + str(i) for i in range(251)]}},
            },
            "15,000",
        ),
        ({"type": "object", "properties": {"a": False}}, "no value fits a"),
        ({"type": "object", "properties": {"a": {"$ref": "other.json"}}}, "other.json"),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/a"}},
                "$defs": {"a": {"$ref": "#/$defs/a"}},
            },
            "itself",
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"allOf": [{"type": "string"}, {"type": "null"}]}},
            },
            "no type in common",
        ),
    ],
)
def test_what_cannot_be_strict_stays_as_it_is_and_says_why(schema, reason):
    strict = to_strict(schema)
    assert strict.schema is schema
    assert not strict.is_strict
    assert reason in strict.notes[0]


def test_a_schema_within_the_limits_is_strict():
    assert to_strict(deep(10)).is_strict
    assert to_strict(big_enum(1000)).is_strict


def test_without_strict_a_null_that_is_not_allowed_leaves_the_property_out():
    inner = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": ["null", "integer"]}},
    }
    schema = {"type": "object", "properties": {"n": inner, "x": {"$ref": "other.json"}}}
    value = {"n": {"a": None, "b": None}}
    assert to_strict(schema).decode(value) == {"n": {"b": None}}
