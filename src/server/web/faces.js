// Pictures of faces. They need the key, so that <img src> cannot ask for them: they are fetched, a few at
// a time, the newest wish first, and kept as long as there is room.
import { get, paths } from "./api.js";
import { h, icon } from "./dom.js";

const AT_ONCE = 6,
    KEPT = 1500;
const kept = new Map(); // what: a promise of an object URL, oldest first
const waitingFor = [];
let running = 0;

function next() {
    while (running < AT_ONCE && waitingFor.length) {
        const job = waitingFor.pop();
        if (job.signal?.aborted) {
            job.reject(job.signal.reason);
            continue;
        }
        running++;
        job.work()
            .then(job.resolve, job.reject)
            .finally(() => {
                running--;
                next();
            });
    }
}
const later = (work, signal) =>
    new Promise((resolve, reject) => {
        waitingFor.push({ work, signal, resolve, reject });
        next();
    });

// Drops the oldest pictures where there are too many.
function makeRoom() {
    for (const [what, url] of kept) {
        if (kept.size <= KEPT) return;
        kept.delete(what);
        url.then(
            (x) => x && setTimeout(() => URL.revokeObjectURL(x), 10000),
            () => {},
        );
    }
}

function keep(what, work, signal) {
    let url = kept.get(what);
    if (url)
        kept.delete(what); // it becomes the newest
    else {
        url = later(work, signal);
        url.catch(() => kept.delete(what));
    }
    kept.set(what, url);
    makeRoom();
    return url;
}

const blobUrl = async (path) => URL.createObjectURL(await get(path, { as: "blob" }));

// The picture at a path of the interface; null where there is none.
export const pictureAt = (path, signal) => keep(path, () => blobUrl(path), signal);

// The picture of a person: the best stored face; null where there is none.
function portrait(person, signal) {
    if (person.face_count === 0) return Promise.resolve(null);
    return keep(
        paths.personImage(person.id),
        async () => {
            try {
                return await blobUrl(paths.personImage(person.id));
            } catch (error) {
                if (error.status !== 404) throw error;
                return null;
            }
        },
        signal,
    );
}
// The person's faces have changed.
export const forgetPortrait = (id) => kept.delete(paths.personImage(id));
export function forgetAllPictures() {
    for (const url of kept.values())
        url.then(
            (x) => x && URL.revokeObjectURL(x),
            () => {},
        );
    kept.clear();
}

const initials = (name) =>
    (name ?? "")
        .trim()
        .split(/\s+/)
        .filter(Boolean)
        .map((w) => [...w][0])
        .filter((_, i, all) => i === 0 || i === all.length - 1)
        .join("")
        .toUpperCase();

// A square with a face, and until it is there (or where there is none) with what stands for it.
function square(size, stand, promise) {
    const box = h(`span.thumb${size ? `.${size}` : ""}`, null, stand);
    promise?.then(
        (url) => {
            if (url) box.replaceChildren(h("img", { src: url, alt: "", draggable: "false" }));
        },
        () => {},
    );
    return box;
}
export const personThumb = (person, size = "", signal = null) =>
    square(size, initials(person.name) || icon("person"), portrait(person, signal));
export const faceThumb = (personId, face, size = "") =>
    square(size, icon("person"), face.has_crop ? pictureAt(paths.faceImage(personId, face.id)) : null);
// A face that the server shows at a path of its own.
export const pathThumb = (path, size = "") => square(size, icon("person"), path ? pictureAt(path) : null);
// What a canvas or an element shows, in the same square.
export const shownThumb = (element, size = "") =>
    h(`span.thumb${size ? `.${size}` : ""}`, null, element ?? icon("person"));
