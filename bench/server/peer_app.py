"""The peer of load.py: the InsightFace package behind FastAPI, as most people serve it. One process, one model; the
server's threads share it, since onnxruntime lets them. POST /search finds the largest face's nearest person.

Started by load.py with uvicorn; PACK is the folder with the networks."""

import os
import pathlib

import cv2
import insightface
import numpy
from fastapi import FastAPI, Request

pack = pathlib.Path(os.environ["PACK"])
app = FastAPI()
faces = insightface.app.FaceAnalysis(name=pack.name, root=str(pack.parent.parent), providers=["CPUExecutionProvider"],
                                     allowed_modules=["detection", "recognition"])  # fmt: skip
faces.prepare(ctx_id=-1, det_size=(640, 640))
names, rows = [], []


def embed(data):
    found = faces.get(cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR))
    if not found:
        return None
    return max(found, key=lambda f: (f.bbox[2] - f.bbox[0]) * (f.bbox[3] - f.bbox[1])).normed_embedding


def enroll_one(name, data):
    row = embed(data)
    if row is not None:
        names.append(name)
        rows.append(row)
    return {"enrolled": row is not None}


def search_one(data):
    row = embed(data)
    if row is None or not rows:
        return {"matches": []}
    cosines = numpy.stack(rows) @ row
    best = numpy.argsort(-cosines)[:5]
    return {
        "matches": [{"name": names[i], "similarity": float(cosines[i])} for i in best if cosines[i] >= 0.4]
    }


@app.get("/health")
def health():
    return {"status": "ready"}


@app.post("/enroll/{name}")
async def enroll(name: str, request: Request):
    from fastapi.concurrency import run_in_threadpool

    return await run_in_threadpool(enroll_one, name, await request.body())


@app.post("/search")
async def search(request: Request):
    from fastapi.concurrency import run_in_threadpool

    return await run_in_threadpool(search_one, await request.body())
