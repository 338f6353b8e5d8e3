"""Requests signed by AWS Signature Version 4, made from its description."""

import datetime
import hashlib
import hmac
import json
import re

REGION = "eu-central-1"


class Signer:
    """AWS Signature Version 4 as its description has it; what is signed and what is sent may differ."""

    def __init__(self, box, access, secret):
        self.box, self.access, self.secret = box, access, secret

    def headers(self, operation, body, when=None, service="rekognition", extra=(), sign=None, day=None):
        now = when or datetime.datetime.now(datetime.timezone.utc)
        date = now.strftime("%Y%m%dT%H%M%SZ")
        fields = {
            "content-type": "application/x-amz-json-1.1",
            "host": "127.0.0.1:%d" % self.box.port,
            "x-amz-date": date,
            "x-amz-target": "RekognitionService." + operation,
        }
        fields.update(dict(extra))
        names = sorted(sign or fields)
        canonical = "POST\n/\n\n"
        canonical += "".join("%s:%s\n" % (n, " ".join(fields.get(n, "").split())) for n in names)
        canonical += "\n%s\n%s" % (";".join(names), hashlib.sha256(body).hexdigest())
        scope = "%s/%s/%s/aws4_request" % (day or date[:8], REGION, service)
        text = "AWS4-HMAC-SHA256\n%s\n%s\n%s" % (date, scope, hashlib.sha256(canonical.encode()).hexdigest())
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        fields["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.access,
            scope,
            ";".join(names),
            signature,
        )
        return fields

    def __call__(self, operation, value=None, **more):
        body = json.dumps(value or {}).encode()
        return self.send(body, self.headers(operation, body, **more))

    def send(self, body, headers):
        return self.box.ask("POST", "/", body, headers, key=None)


def make_key(box, name, *options):
    made = box.command("keys", "add", name, "--aws", *options).stdout
    access, secret = re.findall(r"=(\S+)", made)
    return access, secret
