// The server's interface as the page uses it: keys, errors in plain words, uploads with progress, and
// what happens when the connection is lost.
const KEY = "facet.key",
    COLLECTION = "facet.collection";

export class ApiError extends Error {
    constructor(status, problem) {
        super(problem?.detail || problem?.error?.message || WORDS[status] || `The server answered ${status}.`);
        this.status = status;
        this.code = problem?.code ?? "";
        this.details = problem?.error?.details ?? {};
        this.requestId = problem?.request_id ?? "";
    }
}
// Nobody answered: the server is down, restarts, or the network is gone.
export class LostConnection extends Error {
    constructor() {
        super("The server cannot be reached.");
    }
}

const WORDS = {
    401: "This key is not valid.",
    403: "This key may not do that.",
    404: "This is not there any more.",
    413: "This is larger than the server takes.",
    429: "Too many requests; try again in a moment.",
    501: "This server cannot do that yet.",
    503: "The server is busy; try again in a moment.",
};

// What went wrong, for people: a sentence that begins with a capital and ends with a full stop.
export function say(error) {
    if (error.status === 403) return "Your key may not do that. An administrator can give you one with another role.";
    if (error.status === 501) return WORDS[501];
    const text = String(error.message || error);
    return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

// ---- What the page remembers until its window closes ---------------------------------------------

const memory = new Map(); // where storage is forbidden
function recall(name) {
    try {
        return sessionStorage.getItem(name) ?? memory.get(name) ?? null;
    } catch {
        return memory.get(name) ?? null;
    }
}
function remember(name, text) {
    memory.set(name, text);
    try {
        if (text === null) sessionStorage.removeItem(name);
        else sessionStorage.setItem(name, text);
    } catch {
        /* kept in memory alone */
    }
}
export const key = () => recall(KEY);
export const setKey = (text) => remember(KEY, text);
// The collection whose people the page shows.
export const collection = () => recall(COLLECTION) ?? "_default";
export const setCollection = (name) => remember(COLLECTION, name === "_default" ? null : name);

// ---- Who is told -----------------------------------------------------------------------------------

// "lost" and "back": the connection; "signedout": the key is not valid (any more).
export const events = new EventTarget();
let lost = false;
const tell = (name) => events.dispatchEvent(new Event(name));

// Asks until the server answers again, and then says so once.
async function watchForReturn() {
    if (lost) return;
    lost = true;
    tell("lost");
    for (let pause = 500; lost; pause = Math.min(pause * 1.5, 5000)) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        try {
            if ((await fetch("/v1/health", { cache: "no-store" })).ok) lost = false;
        } catch {
            /* still away */
        }
    }
    tell("back");
}
export const isLost = () => lost;

// ---- Requests --------------------------------------------------------------------------------------

function headers(options) {
    const out = {};
    const secret = options.key ?? key();
    if (secret) out.Authorization = `Bearer ${secret}`;
    if (options.json !== undefined) out["Content-Type"] = "application/json";
    if (options.once) out["Idempotency-Key"] = options.once;
    return out;
}

async function problemOf(reply) {
    try {
        return await reply.json();
    } catch {
        return null;
    }
}

// One request; resolves to the answer whatever its status.
async function send(method, path, options) {
    try {
        return await fetch(path, {
            method,
            headers: headers(options),
            body: options.json !== undefined ? JSON.stringify(options.json) : options.form,
            signal: options.signal,
            keepalive: options.keepalive ?? false,
            cache: "no-store",
        });
    } catch (error) {
        if (error.name === "AbortError" || options.signal?.aborted) throw error;
        watchForReturn();
        throw new LostConnection();
    }
}

function check(reply, problem, options) {
    if (reply.status === 401 && !options.key) tell("signedout");
    throw new ApiError(reply.status, problem);
}

// Asks the server. options: json or form (a FormData), signal, key (another than the one signed in
// with), once (an Idempotency-Key), as ("json", "blob", "text" or "reply"). What is read is asked for
// again when the server is busy.
export async function call(method, path, options = {}) {
    for (let tries = 0; ; tries++) {
        const reply = await send(method, path, options);
        if (reply.ok) {
            if (options.as === "reply") return reply;
            if (reply.status === 204) return null;
            return reply[options.as ?? "json"]();
        }
        const busy = reply.status === 429 || reply.status === 503;
        if (!busy || method !== "GET" || tries === 3) check(reply, await problemOf(reply), options);
        const seconds = Math.min(Number(reply.headers.get("Retry-After")) || 1, 5);
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
}
export const get = (path, options) => call("GET", path, options);

// Sends a form and reports how much of it is on its way: progress(0..1). fetch() cannot tell.
export function upload(path, form, { progress, signal, once } = {}) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open("POST", path);
        request.responseType = "json";
        for (const [name, value] of Object.entries(headers({ once }))) request.setRequestHeader(name, value);
        request.upload.onprogress = (e) => e.lengthComputable && progress?.(e.loaded / e.total);
        request.onload = () => {
            if (request.status < 300) resolve(request.response);
            else {
                if (request.status === 401) tell("signedout");
                reject(new ApiError(request.status, request.response));
            }
        };
        request.onerror = () => {
            watchForReturn();
            reject(new LostConnection());
        };
        request.onabort = () => reject(new DOMException("stopped", "AbortError"));
        signal?.addEventListener("abort", () => request.abort(), { once: true });
        request.send(form);
    });
}

// Goes through all pages of a list; visit(items) for each. items is the member of the answer.
export async function pages(path, items, visit, signal, limit = 100) {
    const glue = path.includes("?") ? "&" : "?";
    for (let cursor = null; ; ) {
        const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
        const answer = await get(`${path}${glue}limit=${limit}${more}`, { signal });
        visit(answer[items]);
        cursor = answer.next_cursor;
        if (!cursor) return;
    }
}

// ---- What this server can do -----------------------------------------------------------------------

let described = null;
export async function describe() {
    described ??= (await get("/v1/openapi.json")).paths;
}
// Whether the server's own description has the operation; path as it stands there.
export function can(method, path) {
    return Boolean(described?.[path]?.[method.toLowerCase()]);
}

// ---- Paths -----------------------------------------------------------------------------------------

const id = encodeURIComponent;
const here = () => `/v1/collections/${id(collection())}`;
export const paths = {
    get here() {
        return here();
    },
    get persons() {
        return `${here()}/persons`;
    },
    get search() {
        return `${here()}/search`;
    },
    get identify() {
        return `${here()}/identify`;
    },
    get scores() {
        return `${here()}/scores`;
    },
    get removed() {
        return `${here()}/removed`;
    },
    get unknown() {
        return `${here()}/unknown`;
    },
    restore: (p) => `${here()}/removed/${id(p)}/restore`,
    removedPerson: (p) => `${here()}/removed/${id(p)}`,
    person: (p) => `${here()}/persons/${id(p)}`,
    personImage: (p) => `${here()}/persons/${id(p)}/image`,
    faces: (p) => `${here()}/persons/${id(p)}/faces`,
    face: (p, f) => `${here()}/persons/${id(p)}/faces/${id(f)}`,
    faceImage: (p, f) => `${here()}/persons/${id(p)}/faces/${id(f)}/image`,
    group: (g) => `${here()}/unknown/${id(g)}`,
    groupImage: (g) => `${here()}/unknown/${id(g)}/image`,
    groupFaces: (g) => `${here()}/unknown/${id(g)}/faces`,
    groupFaceImage: (g, f) => `${here()}/unknown/${id(g)}/faces/${id(f)}/image`,
};
export const form = (fields) => {
    const out = new FormData();
    for (const [name, value] of fields) {
        if (value instanceof Blob) out.append(name, value, value.name ?? "picture.jpg");
        else if (value !== null && value !== undefined) out.append(name, value);
    }
    return out;
};
