"""Whether a JSON value is what a schema of our OpenAPI file says: the part of JSON Schema 2020-12 that the file uses,
and a fault for any keyword that is not known here, so that nothing is passed over. Judge looks at answers, Asker asks
and has every answer judged."""

import json

from serve_box import multipart

KNOWN = set(
    "$ref additionalProperties anyOf contentEncoding contentMediaType default description enum examples format items "
    "maxItems maxLength maximum minItems minLength minimum pattern properties required type".split()
)
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def has_type(value, name):
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("number", "integer"))


def faults(value, schema, doc, at="$"):
    out = ["%s: the schema has %s" % (at, k) for k in set(schema) - KNOWN]
    if "$ref" in schema:
        return out + faults(value, doc["components"]["schemas"][schema["$ref"].split("/")[-1]], doc, at)
    if "anyOf" in schema and all(faults(value, s, doc, at) for s in schema["anyOf"]):
        out.append("%s: fits no alternative" % at)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(has_type(value, t) for t in types):
        return out + ["%s: %r is not of type %s" % (at, value, types)]
    if "enum" in schema and value not in schema["enum"]:
        out.append("%s: %r is none of %s" % (at, value, schema["enum"]))
    if has_type(value, "number"):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            out.append("%s: %r is out of range" % (at, value))
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            out.append("%s: %d items" % (at, len(value)))
        for i, item in enumerate(value):
            out += faults(item, schema.get("items", {}), doc, "%s[%d]" % (at, i))
    if isinstance(value, dict):
        known = schema.get("properties", {})
        out += ["%s: %s is missing" % (at, k) for k in schema.get("required", []) if k not in value]
        for key, item in value.items():
            if key in known:
                out += faults(item, known[key], doc, "%s.%s" % (at, key))
            elif schema.get("additionalProperties") is False:
                out.append("%s: %s is not described" % (at, key))
    return out


class Judge:
    """Holds answers against the file that the server gives."""

    def __init__(self, doc):
        self.doc, self.seen = doc, set()

    def operation(self, method, path):
        parts = path.split("?")[0].strip("/").split("/")
        for template, operations in self.doc["paths"].items():
            names = template.strip("/").split("/")
            if len(names) == len(parts) and all(n == p or n.startswith("{") for n, p in zip(names, parts)):
                if method.lower() in operations:
                    return template, operations[method.lower()]
        return None, None

    def judge(self, method, path, reply):
        template, operation = self.operation(method, path)
        if not operation:
            return ["%s %s: not in the OpenAPI file" % (method, path)]
        self.seen.add((method, template))
        described = operation["responses"].get(str(reply.status))
        if not described:
            return ["%s %s: status %d is not described" % (method, path, reply.status)]
        if "$ref" in described:
            described = self.doc["components"]["responses"][described["$ref"].split("/")[-1]]
        content = described.get("content")
        if not content:
            return ["%s %s: a body where none is described" % (method, path)] if reply.body else []
        kind = reply.headers["Content-Type"].split(";")[0]
        if kind not in content:
            return ["%s %s: %s is not described" % (method, path, kind)]
        if not kind.endswith(("/json", "+json")):
            return []
        return [
            "%s %s %d: %s" % (method, path, reply.status, f)
            for f in faults(reply.json, content[kind]["schema"], self.doc)
        ]

    def unseen(self):
        every = {(m.upper(), t) for t, ops in self.doc["paths"].items() for m in ops}
        return ["%s %s was never asked" % x for x in sorted(every - self.seen)]


class Asker:
    """Asks, and holds every answer against the description."""

    def __init__(self, box, report):
        self.box, self.report = box, report
        self.judge = Judge(box.get("/v1/openapi.json", key=None).json)

    def __call__(self, name, status, method, path, body=None, headers=(), fields=None, value=None, **more):
        headers = dict(headers)
        if fields is not None:
            body, headers["Content-Type"] = multipart(fields)
        if value is not None:
            body, headers["Content-Type"] = json.dumps(value), "application/json"
        reply = self.box.ask(method, path, body, headers, **more)
        found = self.judge.judge(method, path, reply)
        if reply.status != status:
            found.append("%d instead of %d: %r" % (reply.status, status, reply.body[:300]))
        self.report.check(name, found)
        return reply
