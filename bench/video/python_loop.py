"""The loop most people write: OpenCV capture, the InsightFace package, boxes drawn.

usage: python_loop.py DETECTOR.onnx EMBEDDER.onnx VIDEO [OUT.mp4] [--threads N]

Prints frames per second, and the milliseconds from decoded to drawn (median)."""
import argparse
import statistics
import time

import cv2
import onnxruntime
from insightface.app.common import Face
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.scrfd import SCRFD


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("detector")
    p.add_argument("embedder")
    p.add_argument("video")
    p.add_argument("out", nargs="?")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    cv2.setNumThreads(a.threads)
    detector = SCRFD(a.detector, session(a.detector, a.threads))
    detector.prepare(-1, input_size=(640, 640), det_thresh=0.5)
    embedder = ArcFaceONNX(a.embedder, session(a.embedder, a.threads))
    capture = cv2.VideoCapture(a.video)
    size = int(capture.get(3)), int(capture.get(4))
    writer = cv2.VideoWriter(a.out, cv2.VideoWriter_fourcc(*"mp4v"), capture.get(5), size) if a.out else None
    times, faces, start = [], 0, time.perf_counter()
    while True:
        good, frame = capture.read()
        if not good:
            break
        arrived = time.perf_counter()
        boxes, points = detector.detect(frame)
        for box, kps in zip(boxes, points):
            face = Face(bbox=box[:4], kps=kps, det_score=box[4])
            embedder.get(frame, face)
            faces += 1
            x1, y1, x2, y2 = box[:4].astype(int)
            cv2.rectangle(frame, (x1, y1), (x2, y2), (0, 255, 0), 2)
            cv2.putText(frame, "%.2f" % box[4], (x1, y1), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 255, 0), 2)
        times.append((time.perf_counter() - arrived) * 1000)
        if writer:
            writer.write(frame)
    if writer:
        writer.release()
    seconds = time.perf_counter() - start
    print("python %d frames, %d faces, %.1f frames/s, arrival to drawn median %.1f ms"
          % (len(times), faces, len(times) / seconds, statistics.median(times)))


main()
