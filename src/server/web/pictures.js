// Pictures that come from files, the clipboard, by dragging or from the webcam.
import { get } from "./api.js";
import { bytes, fill, h, icon } from "./dom.js";
import { button } from "./ui.js";

const KINDS = /\.(jpe?g|png|webp|heic|heif|avif|tiff?|bmp|gif|jxl|ppm|pgm)$/i;
const MARGIN = 64 * 1024; // what a form adds to its files
let most = 64 * 1024 * 1024;

// The server says how large a request may be.
export async function learnLimits() {
    try {
        const { limits } = await get("/v1/system");
        if (limits?.max_body) most = limits.max_body;
    } catch {
        /* the default stands; the server refuses what is larger */
    }
}

// Why a file cannot be sent; null = it can. used: bytes of others that go with it.
export function refusal(file, used = 0) {
    if (!file.type.startsWith("image/") && !KINDS.test(file.name)) return `${file.name} is not a picture.`;
    if (!file.size) return `${file.name} is empty.`;
    if (file.size + used + MARGIN > most)
        return used
            ? `${file.name} does not fit any more: together at most ${bytes(most)} can be sent at once.`
            : `${file.name} has ${bytes(file.size)}; this server takes ${bytes(most)} at most.`;
    return null;
}

// A picture as a browser can show it, or null where it cannot (HEIC and TIFF in most of them).
export async function decode(blob) {
    try {
        return await createImageBitmap(blob, { imageOrientation: "from-image" });
    } catch {
        return null;
    }
}

// Part of a picture (x, y, width, height in its pixels) as a canvas, with a margin around it.
export function cut(source, box, margin = 0.25, most_side = 512) {
    const width = source.videoWidth || source.width,
        height = source.videoHeight || source.height;
    const side = Math.max(box.width, box.height) * (1 + 2 * margin);
    const scale = Math.min(1, most_side / side),
        size = Math.max(1, Math.round(side * scale));
    const canvas = h("canvas", { width: size, height: size });
    const x = box.x + box.width / 2 - side / 2,
        y = box.y + box.height / 2 - side / 2;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#777";
    pen.fillRect(0, 0, size, size);
    pen.drawImage(source, x, y, side, side, 0, 0, size, size);
    if (!width || !height) canvas.width = 1;
    return canvas;
}
export const toBlob = (canvas, name = "picture.jpg") =>
    new Promise((resolve, reject) =>
        canvas.toBlob(
            (blob) =>
                blob
                    ? resolve(new File([blob], name, { type: "image/jpeg" }))
                    : reject(new Error("the picture could not be made")),
            "image/jpeg",
            0.92,
        ),
    );

// The whole of a bitmap or video, at most so wide.
export function shrink(source, most_width = 1280) {
    const width = source.videoWidth || source.width,
        height = source.videoHeight || source.height;
    const scale = Math.min(1, most_width / width);
    const canvas = h("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
    canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
    return canvas;
}

const filesOf = (transfer) => [...(transfer?.files ?? [])];

// A field that takes pictures: by dropping them, choosing them, or pasting them anywhere on the page.
// take(files) gets them. Returns { element, input, reset, show(url, name) }.
export function dropZone({ title, words, multiple = false, take, signal, paste = true, label = "Choose pictures" }) {
    const input = h("input", {
        type: "file",
        accept: "image/*,.heic,.heif,.tif,.tiff,.jxl",
        multiple,
        class: "sr-only",
        tabindex: "-1",
        "aria-label": label,
        onchange: () => {
            const files = [...input.files];
            input.value = "";
            if (files.length) take(files);
        },
    });
    const element = h("div.drop", {
        ondragover: (e) => {
            if (![...e.dataTransfer.types].includes("Files")) return;
            e.preventDefault();
            element.classList.add("over");
        },
        ondragleave: (e) => {
            if (!element.contains(e.relatedTarget)) element.classList.remove("over");
        },
        ondrop: (e) => {
            e.preventDefault();
            element.classList.remove("over");
            if (filesOf(e.dataTransfer).length) take(filesOf(e.dataTransfer));
        },
    });
    function reset() {
        element.classList.remove("has-picture");
        fill(
            element,
            icon("upload", "large"),
            h("strong", null, title),
            h("p", null, words),
            button(label, { onclick: () => input.click() }),
            input,
        );
    }
    // A dropped picture that misses the field must not replace the page.
    addEventListener("dragover", (e) => e.preventDefault(), { signal });
    addEventListener("drop", (e) => e.preventDefault(), { signal });
    if (paste)
        addEventListener(
            "paste",
            (e) => {
                const files = filesOf(e.clipboardData).filter((f) => f.type.startsWith("image/"));
                if (files.length) {
                    e.preventDefault();
                    take(files);
                }
            },
            { signal },
        );
    reset();
    return {
        element,
        input,
        reset,
        show(picture, name) {
            element.classList.add("has-picture");
            fill(
                element,
                picture,
                h(
                    "div.bar",
                    null,
                    h("span.small.muted", null, name),
                    button(
                        "Another",
                        { onclick: () => input.click(), "aria-label": `${label}: another one` },
                        "compact quiet",
                    ),
                ),
                input,
            );
        },
    };
}
