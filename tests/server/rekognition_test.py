#!/usr/bin/env python3
"""Amazon Rekognition's operations on faces: signatures by a signer of this file's own, and all operations by boto3,
AWS's client, where this Python has it (BOTO=1 makes it a failure where not).

usage: rekognition_test.py FACET MAKE_PACK"""

import datetime
import sys

from aws_signer import Signer, make_key
from boto_checks import boto
from serve_box import Box, Report, b64, same


# ---- Signatures -----------------------------------------------------------------------------------


def signatures(box, report, sign):
    ago = lambda **t: datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**t)  # noqa: E731

    def check(name, reply, status, kind=None):
        found = same(reply.status, status)
        if kind and not found:
            found += same((sorted(reply.json), reply.json["__type"]), (["Message", "__type"], kind))
        found += same(reply.headers["Content-Type"], "application/x-amz-json-1.1")
        found += [] if reply.headers["x-amzn-RequestId"] else ["no x-amzn-RequestId"]
        report.check("signature: " + name, found)
        return reply

    check("good", sign("ListCollections"), 200)
    check("four minutes ago", sign("ListCollections", when=ago(minutes=4)), 200)
    check("in four minutes", sign("ListCollections", when=ago(minutes=-4)), 200)
    spaces = {"x-amz-meta": "  a   b\t c  ", "x-other": "y"}
    check("blanks in a field", sign("ListCollections", extra=spaces), 200)
    invalid = "InvalidSignatureException"
    for name, reply in {
        "too old": sign("ListCollections", when=ago(minutes=6)),
        "too new": sign("ListCollections", when=ago(minutes=-6)),
        "another day": sign("ListCollections", day="20200101"),
        "another service": sign("ListCollections", service="s3"),
        "host unsigned": sign("ListCollections", sign=["x-amz-date", "x-amz-target"]),
        "target unsigned": sign("ListCollections", sign=["host", "x-amz-date"]),
        "amz field unsigned": sign(
            "ListCollections", extra={"x-amz-meta": "1"}, sign=["host", "x-amz-date", "x-amz-target"]
        ),
        "a wrong secret": Signer(box, sign.access, sign.secret[:-1] + "!")("ListCollections"),
    }.items():
        check(name, reply, 400, invalid)
    body = b'{"MaxResults":1}'
    headers = sign.headers("ListCollections", body)
    check("another body", sign.send(b'{"MaxResults":2}', headers), 400, invalid)
    check("another field", sign.send(body, dict(headers, **{"content-type": "text/plain"})), 400, invalid)
    target = {"x-amz-target": "RekognitionService.DeleteCollection"}
    check("another operation", sign.send(body, dict(headers, **target)), 400, invalid)
    check("a second time at once", sign.send(body, headers), 200)
    check(
        "an unknown key",
        Signer(box, "FCTK0123456789ABCDEF", "x")("ListCollections"),
        400,
        "UnrecognizedClientException",
    )
    none = dict(headers)
    del none["authorization"]
    check("none", sign.send(body, none), 400, "MissingAuthenticationTokenException")
    for bad in (
        "AWS4-HMAC-SHA256",
        "Bearer " + sign.secret,
        headers["authorization"].replace("Signature=", "Signatur="),
        headers["authorization"] + ", Signature=" + "0" * 64,
        headers["authorization"].replace("/aws4_request", ""),
        headers["authorization"].replace("host;", "Host;"),
        headers["authorization"].replace("content-type;host", "host;content-type"),
    ):
        check(
            "field " + bad[:30],
            sign.send(body, dict(headers, authorization=bad)),
            400,
            "IncompleteSignatureException",
        )
    check("an unknown operation", sign("DetectLabels"), 400, "UnknownOperationException")
    check("not JSON", sign.send(b"{", sign.headers("ListCollections", b"{")), 400, "SerializationException")
    check("a list", sign.send(b"[]", sign.headers("ListCollections", b"[]")), 400, "SerializationException")


# ---- Roles and collections ----------------------------------------------------------------------------


def rights(box, report, sign, reader, bound):
    def kind(reply):
        return reply.json.get("__type", reply.status)

    for name in ("mine", "other"):
        sign("CreateCollection", {"CollectionId": name})
    report.check(
        "rights: a reader makes none",
        same(kind(reader("CreateCollection", {"CollectionId": "x"})), "AccessDeniedException"),
    )
    report.check("rights: a reader lists", same(kind(reader("ListCollections")), 200))
    listed = bound("ListCollections").json["CollectionIds"]
    report.check("rights: a bound key sees its own", same(listed, ["mine"]))
    report.check("rights: and uses it", same(kind(bound("ListFaces", {"CollectionId": "mine"})), 200))
    report.check(
        "rights: but no other",
        same(kind(bound("ListFaces", {"CollectionId": "other"})), "AccessDeniedException"),
    )
    for name in ("mine", "other"):
        sign("DeleteCollection", {"CollectionId": name})
    s3 = {"Image": {"S3Object": {"Bucket": "b", "Name": "n"}}}
    for name, operation, value, wanted in (
        ("S3", "DetectFaces", s3, "InvalidS3ObjectException"),
        ("no picture", "DetectFaces", {"Image": {"Bytes": b64(b"junk")}}, "InvalidImageFormatException"),
        ("not base 64", "DetectFaces", {"Image": {"Bytes": "!"}}, "InvalidImageFormatException"),
        ("no bytes", "DetectFaces", {"Image": {}}, "InvalidParameterException"),
        ("no image", "DetectFaces", {}, "InvalidParameterException"),
        ("a bad name", "CreateCollection", {"CollectionId": "a b"}, "InvalidParameterException"),
        ("a number", "CreateCollection", {"CollectionId": 5}, "InvalidParameterException"),
        ("no collection", "ListFaces", {"CollectionId": "x"}, "ResourceNotFoundException"),
        ("the default one", "DeleteCollection", {"CollectionId": "_default"}, "InvalidParameterException"),
        ("one set apart", "CreateCollection", {"CollectionId": ".x"}, "ResourceAlreadyExistsException"),
        ("a token", "ListCollections", {"NextToken": "collections.1.1.1"}, "InvalidPaginationTokenException"),
        (
            "a token's end",
            "ListCollections",
            {"NextToken": "collections.0.1.1x"},
            "InvalidPaginationTokenException",
        ),
        ("too many", "ListCollections", {"MaxResults": 5000}, "InvalidParameterException"),
    ):
        report.check("rights: " + name, same(kind(sign(operation, value)), wanted))


def reduced(box, report, sign):
    """A large JPEG is decoded at a smaller size, a PNG is not: both have the same faces at the same places."""
    pictures = [{"Image": {"Bytes": b64(box.picture("large." + kind))}} for kind in ("png", "jpg")]
    whole, half = ([f["BoundingBox"] for f in sign("DetectFaces", p).json["FaceDetails"]] for p in pictures)
    near = all(any(max(abs(a[k] - b[k]) for k in a) < 0.005 for b in half) for a in whole)
    report.check("reduced: the same faces", same((len(whole), len(half), near), (3, 3, True)))
    sign("CreateCollection", {"CollectionId": "large"})
    kept = sign("IndexFaces", dict(pictures[0], CollectionId="large")).json["FaceRecords"]
    report.check("reduced: all of them are indexed", same(len(kept), 3))
    largest = max(kept, key=lambda f: f["Face"]["BoundingBox"]["Width"])["Face"]["FaceId"]
    found = sign("SearchFacesByImage", dict(pictures[1], CollectionId="large")).json["FaceMatches"]
    report.check("reduced: the largest face is known", same(found[0]["Face"]["FaceId"], largest))
    report.check("reduced: and alike", [] if found[0]["Similarity"] > 99 else [found[0]["Similarity"]])
    sign("DeleteCollection", {"CollectionId": "large"})


def main():
    report = Report()
    with Box(*sys.argv[1:3]) as box:
        keys = [
            make_key(box, "all", "--role", "enroller"),
            make_key(box, "reads", "--role", "reader"),
            make_key(box, "bound", "--role", "enroller", "--collection", "mine"),
        ]
        made = box.command("keys", "add", "admin", "--role", "admin")
        box.start("--api", "rekognition,compreface")
        box.key = made.stdout.strip()
        sign, reader, bound = (Signer(box, *k) for k in keys)
        signatures(box, report, sign)
        rights(box, report, sign, reader, bound)
        reduced(box, report, sign)
        boto(box, report, sign)
        report.check("the end", same(box.stop(), 128 + 15))
        box.start()
        report.check("off where it was not asked for", same(sign("ListCollections").status, 405))
        box.stop()
    report.close()


main()
