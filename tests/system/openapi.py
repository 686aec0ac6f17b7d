"""api/openapi.yaml, and whether a value fits one of its schemas.

Checks the part of JSON Schema that the file uses; a keyword that is not known here is an error, so
that nothing goes unchecked.
"""

import os
import re

import yaml

from shop import ROOT

METHODS = ("get", "put", "post", "delete", "patch")


class Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: PyYAML would take the last one."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key stands twice at {node.start_mark}"
        return super().construct_mapping(node, deep)


class OpenApi:
    def __init__(self, path=os.path.join(ROOT, "api/openapi.yaml")):
        with open(path, encoding="utf-8") as f:
            self.text = f.read()
        self.doc = yaml.load(self.text, Loader)

    def deref(self, node):
        while isinstance(node, dict) and "$ref" in node:
            target = self.doc
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operations(self):
        """(method, path, operation) of all."""
        for path, item in self.doc["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def find(self, method, path):
        """The operation of a real path (without query); None."""
        found = None
        for m, pattern, operation in self.operations():
            expression = re.sub(r"\{[^}]*\}", "[^/]+", pattern)
            if m == method and re.fullmatch(expression, path):
                if "{" not in pattern:
                    return operation
                found = operation
        return found

    def check(self, method, path, answer):
        """Problems of an answer against the description; an empty list is good."""
        operation = self.find(method, path)
        if operation is None:
            return [f"{method} {path} is not described"]
        response = self.deref(operation["responses"].get(str(answer.status)))
        if response is None:
            return [f"{method} {path}: status {answer.status} is not described"]
        content = response.get("content")
        if not content:
            return [f"{method} {path}: a body where none is described"] if answer.body else []
        media = answer.headers.get("Content-Type", "").split(";")[0]
        if media not in content:
            return [f"{method} {path}: {media} is not described for {answer.status}"]
        if media != "application/json":
            return []
        problems = self.validate(answer.json, content[media]["schema"])
        return [f"{method} {path} {answer.status}: {p}" for p in problems]

    def validate(self, value, schema, at="$"):
        """Problems of a value against a schema."""
        problems = []
        for keyword, argument in self.deref(schema).items():
            problems += getattr(self, "_" + keyword.replace("$", ""))(
                value, argument, self.deref(schema), at)
        return problems

    # One method for each keyword: (value, its argument, the whole schema, place) -> problems.

    def _type(self, value, names, _, at):
        kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
                 "number": (int, float), "null": type(None)}
        for name in [names] if isinstance(names, str) else names:
            if isinstance(value, kinds[name]) and (
                    not isinstance(value, bool) or name == "boolean"):
                return []
        return [f"{at} is no {names}: {value!r}"[:200]]

    def _properties(self, value, properties, _, at):
        if not isinstance(value, dict):
            return []
        return [p for name, schema in properties.items() if name in value
                for p in self.validate(value[name], schema, f"{at}.{name}")]

    def _additionalProperties(self, value, argument, schema, at):
        extra = set(value if isinstance(value, dict) else ()) - set(schema.get("properties", ()))
        if argument is False:
            return [f"{at}.{name} is not described" for name in extra]
        return [p for name in extra for p in self.validate(value[name], argument, f"{at}.{name}")]

    def _required(self, value, names, _, at):
        return [f"{at}.{n} is missing" for n in names if isinstance(value, dict) and n not in value]

    def _items(self, value, schema, _, at):
        return [p for i, v in enumerate(value if isinstance(value, list) else ())
                for p in self.validate(v, schema, f"{at}[{i}]")]

    def _enum(self, value, values, _, at):
        return [] if value in values else [f"{at} is none of {values}: {value!r}"]

    def _oneOf(self, value, schemas, _, at):
        fitting = sum(not self.validate(value, s, at) for s in schemas)
        return [] if fitting == 1 else [f"{at} fits {fitting} of oneOf: {value!r}"[:400]]

    def _anyOf(self, value, schemas, _, at):
        fitting = any(not self.validate(value, s, at) for s in schemas)
        return [] if fitting else [f"{at} fits none of anyOf: {value!r}"[:400]]

    def _pattern(self, value, pattern, _, at):
        bad = isinstance(value, str) and not re.search(pattern, value)
        return [f"{at} is not like {pattern}: {value!r}"] if bad else []

    def _format(self, value, name, _, at):
        assert name == "date-time"
        shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
        bad = isinstance(value, str) and not re.fullmatch(shape, value)
        return [f"{at} is no time: {value!r}"] if bad else []

    def _minimum(self, value, least, _, at):
        bad = isinstance(value, (int, float)) and value < least
        return [f"{at} is below {least}: {value}"] if bad else []

    def _exclusiveMinimum(self, value, least, _, at):
        bad = isinstance(value, (int, float)) and value <= least
        return [f"{at} is not above {least}: {value}"] if bad else []

    def _maximum(self, value, most, _, at):
        bad = isinstance(value, (int, float)) and value > most
        return [f"{at} is above {most}: {value}"] if bad else []

    def _minLength(self, value, least, _, at):
        return [f"{at} is shorter than {least}"] if isinstance(value, str) and len(value) < least else []

    def _maxLength(self, value, most, _, at):
        return [f"{at} is longer than {most}"] if isinstance(value, str) and len(value) > most else []

    def _minItems(self, value, least, _, at):
        return [f"{at} has too few"] if isinstance(value, list) and len(value) < least else []

    def _maxItems(self, value, most, _, at):
        return [f"{at} has too many"] if isinstance(value, list) and len(value) > most else []

    def _description(self, *_):
        return []

    _default = _example = _description
