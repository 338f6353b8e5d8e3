// Who is in a picture: from a file, the clipboard, or live from the webcam.
import { call, form, get, paths, say } from "./api.js";
import { announce, cosine, fill, h, wait } from "./dom.js";
import { personThumb, shownThumb } from "./faces.js";
import { drawBoxes, newLayer, others, scoreBar, summary } from "./boxes.js";
import { frame, openCamera } from "./camera.js";
import { cut, decode, dropZone, refusal, toBlob } from "./pictures.js";
import { button, empty, heading, linkButton, notice, page, segments, waiting } from "./ui.js";
import { findPerson } from "./view_people.js";
import { giveFaces } from "./who.js";

// So much below the threshold somebody is still worth a look, as a guess.
const NEAR = 0.25,
    LIVE_WIDTH = 960,
    LIVE_PAUSE = 120;

// Faces with the matches above the threshold, and as `near` those just below it.
async function identify(picture, signal, source = null) {
    const { collection: c } = (identify.known ??= await get(paths.here, { signal }));
    const least = Math.max(-1, c.default_threshold - NEAR);
    const fields = [
        ["image", picture],
        ["limit", "4"],
        ["threshold", String(least)],
    ];
    if (source) fields.push(["source", source]);
    const answer = await call("POST", paths.identify, { form: form(fields), signal });
    return {
        threshold: c.default_threshold,
        faces: answer.faces.map(({ face, matches, unknown_id }) => ({
            face,
            unknown_id,
            near: matches,
            matches: matches.filter((m) => m.similarity >= c.default_threshold),
        })),
    };
}
export const forgetThreshold = () => {
    identify.known = null;
};

// Gives an unknown face a name, with the part of the picture around it.
function nameFace(bitmap, face, done) {
    const box = face.bbox.pixels,
        part = cut(bitmap, box, 0.8, 900);
    return giveFaces({
        title: "Name this face",
        label: "Who is this?",
        thumbs: shownThumb(cut(bitmap, box, 0.3, 240), "l"),
        verb: "Enroll",
        give: async (who, name) => {
            const known = who.person_id ? { id: who.person_id } : await findPerson(name);
            const fields = [["images", await toBlob(part)]];
            if (!known) fields.push(["name", name]);
            const path = known ? paths.faces(known.id) : paths.persons;
            const reply = await call("POST", path, { form: form(fields) });
            return { person: known ?? reply.person, words: `${name} is enrolled`, after: done };
        },
    });
}

// The found faces as a list; bitmap: what they are cut from, null where the browser cannot show it;
// again(): after a face was named, null for whoever may not do that.
function foundList(result, bitmap, again) {
    return h(
        "ul.found",
        { role: "list", "aria-label": "Faces" },
        result.faces.map(({ face, matches, near }) => {
            const best = matches[0];
            const thumb = bitmap ? shownThumb(cut(bitmap, face.bbox.pixels, 0.25, 160), "m") : shownThumb(null, "m");
            return h(
                "li",
                null,
                thumb,
                h(
                    "div.stack.tight",
                    null,
                    best
                        ? h("a.name", { href: `#/people/${best.person.id}` }, best.person.name)
                        : h("span.name", null, "Unknown"),
                    best
                        ? scoreBar(best.similarity, result.threshold)
                        : h(
                              "span.small.muted",
                              null,
                              near.length ? "Nobody is alike enough" : "Like nobody who is enrolled",
                          ),
                ),
                h(
                    "div.others.stack.tight",
                    null,
                    near.length > (best ? 1 : 0)
                        ? h(
                              "details.small",
                              null,
                              h("summary.muted", null, best ? "Who else is alike" : "Who is most alike"),
                              others(best ? near.slice(1) : near, result.threshold),
                          )
                        : null,
                    best || !bitmap || !again
                        ? null
                        : h(
                              "div.row",
                              null,
                              button(
                                  "Name this face…",
                                  { icon: "enroll", onclick: () => nameFace(bitmap, face, again) },
                                  "compact",
                              ),
                          ),
                ),
            );
        }),
    );
}

// ---- A picture --------------------------------------------------------------------------------------------------

// In a collection without people, `first` gives way to words on what to do about that.
async function sayWhereNobodyIs(place, first, signal, role) {
    const { collection } = await get(paths.here, { signal }).catch(() => ({ collection: null }));
    if (collection?.person_count !== 0 || !first.isConnected) return;
    fill(
        place,
        empty(
            "people",
            "Nobody is enrolled yet",
            "Faces are found already, and named once somebody is enrolled.",
            ...(role === "reader" ? [] : [linkButton("Enroll the first person", "#/enroll", "", "enroll")]),
        ),
    );
}

function stillPart(signal, role) {
    const first = h("p.muted", null, "Names appear here once there is a picture.");
    const right = h("div.stack", null, first);
    void sayWhereNobodyIs(right, first, signal, role);
    const left = h("div.stack");
    const zone = dropZone({
        title: "Drop a picture here",
        words: "Or paste one. Everybody in it is looked for.",
        label: "Choose a picture",
        take: ([file]) => show(file),
        signal,
    });

    async function show(file) {
        const why = refusal(file);
        if (why) {
            fill(right, notice("bad", "warn", why));
            return;
        }
        fill(right, waiting("Looking for faces…"));
        const bitmap = await decode(file);
        const layer = newLayer(),
            tags = h("div.tags");
        const inner = h("div.inner", null);
        if (bitmap) {
            const url = URL.createObjectURL(file);
            signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
            inner.append(h("img", { src: url, alt: `The picture ${file.name}` }), layer, tags);
        } else inner.append(notice("", "picture", "This browser cannot show such a picture; the server can read it."));
        fill(
            left,
            h("div.stage", null, inner),
            h(
                "div.row",
                null,
                button("Another picture", { icon: "upload", onclick: () => zone.input.click() }),
                zone.input,
            ),
        );
        try {
            const result = await identify(file, signal, file.name);
            if (bitmap) drawBoxes(layer, tags, result.faces, bitmap.width, bitmap.height);
            announce(summary(result.faces));
            fill(
                right,
                result.faces.length
                    ? foundList(result, bitmap, role === "reader" ? null : () => show(file))
                    : empty(
                          "identify",
                          "No face found",
                          "Try a picture in which faces are larger, brighter or less turned away.",
                      ),
            );
        } catch (error) {
            if (!signal.aborted) fill(right, notice("bad", "warn", say(error)));
        }
    }
    left.append(zone.element);
    return [left, right];
}

// ---- The webcam -------------------------------------------------------------------------------------------------

function livePart(signal) {
    const video = h("video.mirror", { playsinline: true, muted: true, "aria-label": "What the webcam sees" });
    const layer = newLayer(),
        tags = h("div.tags");
    const state = h("p.small.muted", null, "Starting the camera…");
    const left = h("div.stack", null, h("div.stage", null, h("div.inner", null, video, layer, tags)), state);
    const right = h(
        "div.stack",
        null,
        h("h2", null, "Seen so far"),
        h("p.muted", null, "Whoever is recognized is listed here."),
    );
    const seen = new Map();
    let last = "";

    function note(faces) {
        for (const {
            matches: [best],
        } of faces) {
            if (!best) continue;
            const old = seen.get(best.person.id);
            seen.set(best.person.id, {
                person: best.person,
                best: Math.max(best.similarity, old?.best ?? 0),
                at: Date.now(),
            });
        }
        if (!seen.size) return;
        fill(
            right,
            h("h2", null, "Seen so far"),
            h(
                "ul.rows.card",
                { role: "list" },
                [...seen.values()]
                    .sort((a, b) => b.best - a.best)
                    .map((x) =>
                        h(
                            "li",
                            null,
                            personThumb(x.person, "m"),
                            h(
                                "div.grow",
                                null,
                                h("a.name", { href: `#/people/${x.person.id}` }, x.person.name),
                                h(
                                    "p.small.muted",
                                    null,
                                    `up to ${cosine(x.best)}, ${new Date(x.at).toLocaleTimeString()}`,
                                ),
                            ),
                        ),
                    ),
            ),
        );
    }
    async function watch() {
        for (let pause = LIVE_PAUSE; !signal.aborted; await wait(pause, signal)) {
            const began = performance.now();
            try {
                const result = await identify(await frame(video, LIVE_WIDTH), signal);
                const scale = Math.min(1, LIVE_WIDTH / video.videoWidth);
                drawBoxes(layer, tags, result.faces, video.videoWidth * scale, video.videoHeight * scale, true);
                const names = summary(result.faces);
                if (names !== last) announce(names);
                last = names;
                note(result.faces);
                state.textContent = `${names} ${Math.round(performance.now() - began)} ms`;
                pause = LIVE_PAUSE;
            } catch (error) {
                if (signal.aborted) return;
                if (error.status === 401) throw error;
                layer.replaceChildren();
                tags.replaceChildren();
                state.textContent = say(error);
                pause = 1500;
            }
        }
    }
    (async () => {
        try {
            await openCamera(video, signal);
            await watch();
        } catch (error) {
            if (!signal.aborted) fill(left, empty("camera", "No picture from the webcam", say(error)));
        }
    })();
    return [left, right];
}

export async function identifyView(root, { signal, query, role }) {
    const two = h("div.two");
    let part = null;
    function choose(kind) {
        part?.abort();
        part = new AbortController();
        fill(two, (kind === "camera" ? livePart : stillPart)(AbortSignal.any([signal, part.signal]), role));
    }
    const first = query.get("from") === "webcam" ? "camera" : "file";
    page(
        root,
        heading("Identify", "Finds every face of a picture and names those who are enrolled."),
        segments(
            "Where the picture comes from",
            [
                ["file", "Picture", "picture"],
                ["camera", "Live webcam", "camera"],
            ],
            first,
            choose,
        ),
        two,
    );
    forgetThreshold();
    choose(first);
}
