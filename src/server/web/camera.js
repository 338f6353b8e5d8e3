// The webcam: opening it, saying plainly why it does not open, and judging what it shows.
import { call, form } from "./api.js";
import { shrink, toBlob } from "./pictures.js";

const WHY = {
    NotAllowedError: "The browser was not allowed to use the camera. Allow it in the address bar, then try again.",
    NotFoundError: "There is no camera on this device.",
    NotReadableError: "The camera is in use by another program.",
    OverconstrainedError: "The camera cannot give such a picture.",
};

// Opens a camera into a <video>. Throws an Error with a sentence for people.
export async function openCamera(video, signal) {
    if (!navigator.mediaDevices?.getUserMedia)
        throw new Error(
            "Browsers give a page the camera only over HTTPS or on the server’s own machine. " +
                "Start the server with --tls-cert and --tls-key.",
        );
    let stream;
    try {
        stream = await navigator.mediaDevices.getUserMedia({
            audio: false,
            video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } },
        });
    } catch (error) {
        throw new Error(WHY[error.name] ?? "The camera could not be opened.");
    }
    const stop = () => stream.getTracks().forEach((track) => track.stop());
    if (signal.aborted) {
        stop();
        throw signal.reason;
    }
    signal.addEventListener("abort", stop, { once: true });
    video.srcObject = stream;
    await video.play();
    return stop;
}

// Takes a frame as a picture, at most so wide.
export const frame = (video, width) => toBlob(shrink(video, width), "webcam.jpg");

// Asks the server for the faces of a frame.
export async function facesOf(picture, signal) {
    const answer = await call("POST", "/v1/detect", {
        form: form([
            ["image", picture],
            ["max_faces", "5"],
        ]),
        signal,
    });
    return answer.faces;
}

const GOOD = { sharpness: 0.35, brightness: 0.45, turned: 0.28, score: 0.6 };

// How far the head is turned to a side, from the five points: 0 straight ahead, 1 in profile.
export function turn(face) {
    const p = face.landmarks;
    if (!p || p.length < 3) return 0;
    const [left, right, nose] = p;
    const between = right[0] - left[0];
    if (Math.abs(between) < 1) return 1;
    return Math.max(-1, Math.min(1, ((nose[0] - left[0]) / between - 0.5) * 2));
}

// What is right and wrong with the faces of a frame of the webcam: a list of { name, good }, and one
// sentence that says what to do next; "" where all is good.
export function judge(faces, width, height) {
    const found = faces.length > 0;
    const face = faces[0],
        checks = [{ name: "Face found", good: found }];
    if (!found) return { checks, advice: "Look into the camera.", face: null };
    const box = face.bbox.pixels;
    const one = faces.length === 1 || faces[1].bbox.pixels.width < box.width * 0.4;
    const size = box.height / height;
    const dx = (box.x + box.width / 2) / width - 0.5,
        dy = (box.y + box.height / 2) / height - 0.5;
    const large = size > 0.22,
        small = size < 0.8;
    const centered = Math.abs(dx) < 0.17 && Math.abs(dy) < 0.2;
    const straight = Math.abs(turn(face)) < GOOD.turned * 2;
    const sharp = face.quality.sharpness >= GOOD.sharpness;
    const light = face.quality.brightness >= GOOD.brightness;
    checks.push(
        { name: "Alone", good: one },
        { name: "Size", good: large && small },
        { name: "Centered", good: centered },
        { name: "Facing the camera", good: straight },
        { name: "Light", good: light },
        { name: "Sharp", good: sharp },
    );
    const advice = !one
        ? "Only one person should be in the picture."
        : !large
          ? "Come closer."
          : !small
            ? "Move back a little."
            : !centered
              ? centerAdvice(dx, dy)
              : !straight
                ? "Turn your face to the camera."
                : !light
                  ? "Find more even light: a window in front of you, not behind."
                  : !sharp
                    ? "Hold still."
                    : "";
    return { checks, advice, face };
}

// The picture is shown as a mirror: what is left in it is on the left of whoever looks.
function centerAdvice(dx, dy) {
    if (Math.abs(dx) / 0.17 > Math.abs(dy) / 0.2)
        return dx > 0 ? "Move a little to your right." : "Move a little to your left.";
    return dy > 0 ? "Move up a little." : "Move down a little.";
}

// What an enrolled picture's face is worth, as words for chips: { good, text }.
export function gradeFace(faces) {
    if (!faces.length) return [{ kind: "bad", text: "No face" }];
    const box = faces[0].bbox.pixels,
        q = faces[0].quality,
        out = [];
    if (faces.length > 1) out.push({ kind: "warn", text: `${faces.length} faces` });
    if (Math.min(box.width, box.height) < 40) out.push({ kind: "bad", text: "Too small" });
    if (q.sharpness < GOOD.sharpness) out.push({ kind: "warn", text: "Blurred" });
    if (q.brightness < GOOD.brightness) out.push({ kind: "warn", text: "Poor light" });
    if (q.pose < 0.4) out.push({ kind: "warn", text: "Turned away" });
    return out.length ? out : [{ kind: "good", text: "Good" }];
}
