// Answers that never end: events (server-sent) and moving pictures (motion JPEG), read with the key in the
// header, which neither EventSource nor <img> can send.
import { call } from "./api.js";
import { wait } from "./dom.js";

// Calls visit(chunk) for all bytes that come.
async function read(path, signal, visit, headers) {
    const reply = await call("GET", path, { signal, as: "reply", headers });
    const reader = reply.body.getReader();
    for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        visit(value, reply);
    }
}

// Server-sent events: visit({ id, type, data }) for each; connects again, from the last one on, until the
// signal ends it. state(open) tells whether it is connected.
export async function follow(path, signal, visit, state) {
    let last = null,
        pause = 500;
    while (!signal.aborted) {
        const decoder = new TextDecoder();
        let text = "";
        try {
            state?.(true);
            const glue = path.includes("?") ? "&" : "?";
            await read(last ? `${path}${glue}last_event_id=${last}` : path, signal, (chunk) => {
                pause = 500;
                text += decoder.decode(chunk, { stream: true });
                const blocks = text.split(/\r?\n\r?\n/);
                text = blocks.pop();
                for (const block of blocks) {
                    const event = { id: null, type: "message", data: "" };
                    for (const line of block.split(/\r?\n/)) {
                        const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
                        if (name === "data") event.data += value;
                        else if (name === "event") event.type = value;
                        else if (name === "id") event.id = last = value;
                    }
                    if (event.data) visit(event);
                }
            });
        } catch (error) {
            if (signal.aborted) return;
            if (error.status === 401 || error.status === 404 || error.status === 501) throw error;
        }
        state?.(false);
        await wait(pause, signal).catch(() => {});
        pause = Math.min(pause * 2, 10000);
    }
}

const find = (bytes, pattern, from) => {
    outer: for (let i = from; i <= bytes.length - pattern.length; i++) {
        for (let k = 0; k < pattern.length; k++) if (bytes[i + k] !== pattern[k]) continue outer;
        return i;
    }
    return -1;
};
const END = [13, 10, 13, 10];

// Motion JPEG onto a canvas, until the signal ends it. shown() is called with the first picture. Each part
// must say its length, as this server's do.
export async function showMotion(path, canvas, signal, shown) {
    let held = new Uint8Array(0),
        drawing = false,
        first = true;
    const pen = canvas.getContext("2d");
    async function draw(jpeg) {
        if (drawing) return; // the newest will come; this browser is slower than the camera
        drawing = true;
        try {
            const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
            if (canvas.width !== bitmap.width) canvas.width = bitmap.width;
            if (canvas.height !== bitmap.height) canvas.height = bitmap.height;
            pen.drawImage(bitmap, 0, 0);
            bitmap.close();
            if (first) shown?.();
            first = false;
        } catch {
            /* a broken picture; the next one comes */
        }
        drawing = false;
    }
    await read(path, signal, (chunk) => {
        const all = new Uint8Array(held.length + chunk.length);
        all.set(held);
        all.set(chunk, held.length);
        held = all;
        for (;;) {
            const end = find(held, END, 0);
            if (end < 0) break;
            const length = Number(
                /content-length: *(\d+)/i.exec(new TextDecoder("latin1").decode(held.subarray(0, end)))?.[1],
            );
            if (!length) {
                held = held.slice(end + 4);
                continue;
            }
            if (held.length < end + 4 + length) break;
            draw(held.slice(end + 4, end + 4 + length));
            held = held.slice(end + 4 + length);
        }
    });
}
