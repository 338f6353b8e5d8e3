"""All operations of Rekognition's dialect by boto3, AWS's own client, which checks each answer by its description of
the service."""

import datetime
import os

from aws_signer import REGION, Signer
from serve_box import same


class Client:
    """boto3's client; failures as the name of their code."""

    def __init__(self, box, sign):
        import boto3
        from botocore.config import Config

        self.client = boto3.client(
            "rekognition",
            endpoint_url="http://127.0.0.1:%d" % box.port,
            region_name=REGION,
            aws_access_key_id=sign.access,
            aws_secret_access_key=sign.secret,
            config=Config(retries={"max_attempts": 0}),
        )

    def __call__(self, operation, **arguments):
        from botocore.exceptions import ClientError

        try:
            return getattr(self.client, operation)(**arguments)
        except ClientError as e:
            return e.response["Error"]["Code"]


def box_is_fine(box):
    return sorted(box) == ["Height", "Left", "Top", "Width"] and all(-0.5 <= v <= 1.5 for v in box.values())


def pictures(ask, report, box):
    image = {"Bytes": box.picture("three.png")}
    found = ask("detect_faces", Image=image)["FaceDetails"]
    report.check("boto3: detect_faces", same(len(found), 3))
    names = ["BoundingBox", "Confidence", "Landmarks", "Quality"]
    report.check(
        "boto3: a face",
        sorted(set(names) - set(found[0])) + ([] if box_is_fine(found[0]["BoundingBox"]) else ["box"]),
    )
    marks = {m["Type"]: (m["X"], m["Y"]) for m in found[0]["Landmarks"]}
    fine = (
        marks["eyeLeft"][0] < marks["nose"][0] < marks["eyeRight"][0]
        and marks["nose"][1] < marks["mouthLeft"][1]
    )
    report.check("boto3: landmarks", [] if fine else [str(marks)])
    report.check("boto3: no age unasked", [] if "AgeRange" not in found[0] else ["AgeRange"])
    report.check(
        "boto3: attributes", same(len(ask("detect_faces", Image=image, Attributes=["ALL"])["FaceDetails"]), 3)
    )
    empty = {"Bytes": box.picture("empty.png")}
    report.check("boto3: no face", same(ask("detect_faces", Image=empty)["FaceDetails"], []))
    ada = {"Bytes": box.picture("ada.png")}
    match = ask("compare_faces", SourceImage={"Bytes": box.picture("ada2.jpg")}, TargetImage=image)
    found = same((len(match["FaceMatches"]), len(match["UnmatchedFaces"])), (1, 2))
    found += [] if match["FaceMatches"][0]["Similarity"] > 90 else [str(match["FaceMatches"][0])]
    report.check(
        "boto3: compare_faces", found + same(sorted(match["SourceImageFace"]), ["BoundingBox", "Confidence"])
    )
    all_three = ask("compare_faces", SourceImage=ada, TargetImage=image, SimilarityThreshold=0)["FaceMatches"]
    scores = [m["Similarity"] for m in all_three]
    report.check(
        "boto3: from 0 on",
        same(len(scores), 3) + ([] if scores == sorted(scores, reverse=True) else ["order"]),
    )
    report.check(
        "boto3: nothing to compare",
        same(ask("compare_faces", SourceImage=empty, TargetImage=image), "InvalidParameterException"),
    )


def collections(ask, report):
    made = ask("create_collection", CollectionId="team")
    report.check(
        "boto3: create_collection",
        same(made["StatusCode"], 200) + same(made["CollectionArn"].split("/")[-1], "team"),
    )
    report.check(
        "boto3: twice", same(ask("create_collection", CollectionId="team"), "ResourceAlreadyExistsException")
    )
    for i in range(3):
        ask("create_collection", CollectionId="c%d" % i)
    first = ask("list_collections", MaxResults=2)
    second = ask("list_collections", MaxResults=100, NextToken=first["NextToken"])
    names = first["CollectionIds"] + second["CollectionIds"]
    report.check("boto3: list_collections", same(names, ["_default", "team", "c0", "c1", "c2"]))
    report.check("boto3: the last page", [] if "NextToken" not in second else ["NextToken"])
    report.check("boto3: models", same(len(first["FaceModelVersions"]), 2))
    for i in range(3):
        report.check(
            "boto3: delete_collection",
            same(ask("delete_collection", CollectionId="c%d" % i)["StatusCode"], 200),
        )
    report.check(
        "boto3: deleted", same(ask("describe_collection", CollectionId="c0"), "ResourceNotFoundException")
    )
    shown = ask("describe_collection", CollectionId="team")
    now = datetime.datetime.now(datetime.timezone.utc)
    age = abs((now - shown["CreationTimestamp"]).total_seconds())
    report.check(
        "boto3: describe_collection", same((shown["FaceCount"], shown["UserCount"], age < 60), (0, 0, True))
    )


def index(ask, box, name, external=None, **more):
    arguments = dict(CollectionId="team", Image={"Bytes": box.picture(name)}, QualityFilter="NONE", **more)
    if external:
        arguments["ExternalImageId"] = external
    return ask("index_faces", **arguments)


def faces(ask, report, box):
    ada = index(ask, box, "ada.png", "ada")["FaceRecords"]
    report.check("boto3: index_faces", same(len(ada), 1) + same(ada[0]["Face"]["ExternalImageId"], "ada"))
    report.check(
        "boto3: its box", [] if box_is_fine(ada[0]["Face"]["BoundingBox"]) else [str(ada[0]["Face"])]
    )
    group = index(ask, box, "three.png", MaxFaces=2)
    report.check("boto3: MaxFaces", same((len(group["FaceRecords"]), len(group["UnindexedFaces"])), (2, 1)))
    report.check("boto3: why", same(group["UnindexedFaces"][0]["Reasons"], ["EXCEEDS_MAX_FACES"]))
    images = {f["Face"]["ImageId"] for f in group["FaceRecords"]}
    report.check("boto3: of one image", same(len(images), 1))
    again = index(ask, box, "ada.png", "ada")["FaceRecords"][0]["Face"]
    report.check("boto3: the same face", same(again["FaceId"], ada[0]["Face"]["FaceId"]))
    listed = ask("list_faces", CollectionId="team")["Faces"]
    report.check("boto3: list_faces", same(len(listed), 3) + same(listed[0], ada[0]["Face"]))
    pages, token, found = 0, {}, []
    while True:
        page = ask("list_faces", CollectionId="team", MaxResults=1, **token)
        found, pages = found + page["Faces"], pages + 1
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    report.check("boto3: pages", same((pages, found), (3, listed)))
    some = ask(
        "list_faces",
        CollectionId="team",
        FaceIds=[listed[2]["FaceId"], "00000000-0000-4000-8000-000000000000"],
    )
    report.check("boto3: by id", same(some["Faces"], [listed[2]]))
    return ada[0]["Face"]["FaceId"], [f["Face"]["FaceId"] for f in group["FaceRecords"]]


def searches(ask, report, box, ada):
    other = index(ask, box, "ada2.jpg", "second")["FaceRecords"][0]["Face"]["FaceId"]
    found = ask("search_faces", CollectionId="team", FaceId=ada)
    ids = [m["Face"]["FaceId"] for m in found["FaceMatches"]]
    report.check(
        "boto3: search_faces",
        same(found["SearchedFaceId"], ada) + ([] if other in ids and ada not in ids else [str(ids)]),
    )
    report.check(
        "boto3: similar", [] if all(m["Similarity"] >= 80 for m in found["FaceMatches"]) else [str(found)]
    )
    every = ask("search_faces", CollectionId="team", FaceId=ada, FaceMatchThreshold=0)["FaceMatches"]
    scores = [m["Similarity"] for m in every]
    report.check(
        "boto3: from 0 on",
        same(len(every), 3) + ([] if scores == sorted(scores, reverse=True) else ["order"]),
    )
    one = ask("search_faces", CollectionId="team", FaceId=ada, FaceMatchThreshold=0, MaxFaces=1)[
        "FaceMatches"
    ]
    report.check("boto3: MaxFaces", same(one, every[:1]))
    seen = ask("search_faces_by_image", CollectionId="team", Image={"Bytes": box.picture("ada.png")})
    ids = [m["Face"]["FaceId"] for m in seen["FaceMatches"]]
    report.check("boto3: search_faces_by_image", [] if ada in ids and other in ids else [str(ids)])
    report.check(
        "boto3: the best is itself", same((ids[0], seen["FaceMatches"][0]["Similarity"]), (ada, 100))
    )
    report.check("boto3: where it was", [] if box_is_fine(seen["SearchedFaceBoundingBox"]) else ["box"])
    nobody = ask("search_faces_by_image", CollectionId="team", Image={"Bytes": box.picture("bob.png")})
    report.check(
        "boto3: nobody", [] if ada not in [m["Face"]["FaceId"] for m in nobody["FaceMatches"]] else ["ada"]
    )
    empty = ask("search_faces_by_image", CollectionId="team", Image={"Bytes": box.picture("empty.png")})
    report.check("boto3: no face to search", same(empty, "InvalidParameterException"))
    report.check(
        "boto3: an unknown face",
        same(
            ask("search_faces", CollectionId="team", FaceId="00000000-0000-4000-8000-000000000000"),
            "InvalidParameterException",
        ),
    )
    return other


def users(ask, report, box, ada, other):
    def users_of(**more):
        return [
            (u["UserId"], u["UserStatus"]) for u in ask("list_users", CollectionId="team", **more)["Users"]
        ]

    for name in ("ann", "ben", "ada"):  # one of them has the name of a face's ExternalImageId
        made = ask("create_user", CollectionId="team", UserId=name)
        report.check("boto3: create_user " + name, [] if isinstance(made, dict) else [made])
    report.check(
        "boto3: a user twice",
        same(ask("create_user", CollectionId="team", UserId="ann"), "ConflictException"),
    )
    report.check(
        "boto3: list_users", same(users_of(), [("ada", "ACTIVE"), ("ann", "CREATED"), ("ben", "CREATED")])
    )
    first = ask("list_users", CollectionId="team", MaxResults=2)
    report.check("boto3: a page of users", same(users_of(NextToken=first["NextToken"]), [("ben", "CREATED")]))
    ask("delete_user", CollectionId="team", UserId="ada")
    freed = ask("list_faces", CollectionId="team", FaceIds=[ada])["Faces"][0]
    report.check(
        "boto3: delete_user leaves the face",
        same((freed.get("UserId"), freed["ExternalImageId"]), (None, "ada")),
    )
    done = ask(
        "associate_faces",
        CollectionId="team",
        UserId="ann",
        FaceIds=[ada, other, "00000000-0000-4000-8000-000000000000"],
    )
    found = same([f["FaceId"] for f in done["AssociatedFaces"]], [ada, other]) + same(
        done["UserStatus"], "ACTIVE"
    )
    found += same([f["Reasons"] for f in done["UnsuccessfulFaceAssociations"]], [["FACE_NOT_FOUND"]])
    report.check("boto3: associate_faces", found)
    stranger = index(ask, box, "bob.png", "stranger")["FaceRecords"][0]["Face"]["FaceId"]
    unlike = ask(
        "associate_faces", CollectionId="team", UserId="ann", FaceIds=[stranger], UserMatchThreshold=90
    )
    report.check(
        "boto3: unlike", same(unlike["UnsuccessfulFaceAssociations"][0]["Reasons"], ["LOW_MATCH_CONFIDENCE"])
    )
    taken = ask("associate_faces", CollectionId="team", UserId="ben", FaceIds=[ada])[
        "UnsuccessfulFaceAssociations"
    ][0]
    report.check(
        "boto3: another's",
        same((taken["Reasons"], taken["UserId"]), (["ASSOCIATED_TO_A_DIFFERENT_USER"], "ann")),
    )
    report.check(
        "boto3: a user's faces",
        same(
            {f["FaceId"] for f in ask("list_faces", CollectionId="team", UserId="ann")["Faces"]}, {ada, other}
        ),
    )
    ask("associate_faces", CollectionId="team", UserId="ben", FaceIds=[stranger])
    image = {"Bytes": box.picture("ada2.jpg")}
    seen = ask("search_users_by_image", CollectionId="team", Image=image)
    report.check(
        "boto3: search_users_by_image", same([m["User"]["UserId"] for m in seen["UserMatches"]], ["ann"])
    )
    report.check("boto3: the searched face", same(sorted(seen["SearchedFace"]), ["FaceDetail"]))
    three = ask("search_users_by_image", CollectionId="team", Image={"Bytes": box.picture("three.png")})
    report.check(
        "boto3: others", same([f["Reasons"] for f in three["UnsearchedFaces"]], [["FACE_NOT_LARGEST"]] * 2)
    )
    by_face = ask("search_users", CollectionId="team", FaceId=ada)
    report.check(
        "boto3: search_users by a face", same([m["User"]["UserId"] for m in by_face["UserMatches"]], ["ann"])
    )
    by_user = ask("search_users", CollectionId="team", UserId="ann", UserMatchThreshold=0)
    found = same([m["User"]["UserId"] for m in by_user["UserMatches"]], ["ben"])
    report.check("boto3: search_users by a user", found + same(by_user["SearchedUser"], {"UserId": "ann"}))
    report.check(
        "boto3: an unknown user",
        same(ask("search_users", CollectionId="team", UserId="x"), "ResourceNotFoundException"),
    )
    kept = ask("delete_faces", CollectionId="team", FaceIds=[ada])["UnsuccessfulFaceDeletions"][0]
    report.check(
        "boto3: a user's face stays",
        same((kept["Reasons"], kept["UserId"]), (["ASSOCIATED_TO_AN_EXISTING_USER"], "ann")),
    )
    gone = ask("disassociate_faces", CollectionId="team", UserId="ann", FaceIds=[ada, stranger])
    found = same([f["FaceId"] for f in gone["DisassociatedFaces"]], [ada]) + same(
        gone["UserStatus"], "ACTIVE"
    )
    found += same(
        [f["Reasons"] for f in gone["UnsuccessfulFaceDisassociations"]], [["ASSOCIATED_TO_A_DIFFERENT_USER"]]
    )
    report.check("boto3: disassociate_faces", found)
    report.check(
        "boto3: users counted", same(ask("describe_collection", CollectionId="team")["UserCount"], 2)
    )


def deletions(ask, report, ada, group):
    done = ask("delete_faces", CollectionId="team", FaceIds=[ada, "00000000-0000-4000-8000-000000000000"])
    found = same(done["DeletedFaces"], [ada])
    found += same([d["Reasons"] for d in done["UnsuccessfulFaceDeletions"]], [["FACE_NOT_FOUND"]])
    report.check("boto3: delete_faces", found)
    ask("delete_faces", CollectionId="team", FaceIds=group)


def other_interfaces(ask, report, box):
    """Who is enrolled elsewhere is seen here, and the other way round."""
    box.form(
        "/api/v1/recognition/faces?subject=Zoe",
        [("file", box.picture("ada.png"))],
        {"x-api-key": box.key},
        key=None,
    )
    listed = ask("list_faces", CollectionId="_default")["Faces"]
    report.check("boto3: a face of CompreFace's", same([f["ExternalImageId"] for f in listed], ["Zoe"]))
    found = ask("search_faces_by_image", CollectionId="_default", Image={"Bytes": box.picture("ada2.jpg")})
    report.check(
        "boto3: is found", same([m["Face"]["ExternalImageId"] for m in found["FaceMatches"]], ["Zoe"])
    )
    ask(
        "index_faces",
        CollectionId="_default",
        Image={"Bytes": box.picture("bob.png")},
        ExternalImageId="bob",
        QualityFilter="NONE",
    )
    names = box.get("/api/v1/recognition/subjects", headers={"x-api-key": box.key}, key=None).json["subjects"]
    report.check("boto3: subjects of CompreFace", same(names, ["Zoe", "bob"]))


def boto(box, report, sign):
    try:
        ask = Client(box, sign)
    except ImportError as e:
        if os.environ.get("BOTO"):
            report.check("boto3", [str(e)])
        report.skip("boto3", str(e))
        return
    pictures(ask, report, box)
    collections(ask, report)
    ada, group = faces(ask, report, box)
    other = searches(ask, report, box, ada)
    users(ask, report, box, ada, other)
    deletions(ask, report, ada, group)
    other_interfaces(ask, report, box)
    report.check("boto3: the end", same(ask("delete_collection", CollectionId="team")["StatusCode"], 200))
    wrong = Client(box, Signer(box, sign.access, "wrong"))
    report.check("boto3: a wrong secret", same(wrong("list_collections"), "InvalidSignatureException"))
