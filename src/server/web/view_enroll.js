// A new person, or more photos of a known one: by files or by the webcam, with help on the way.
import { form, paths, say, upload } from "./api.js";
import { announce, fill, freshId, h, icon, plural, wait } from "./dom.js";
import { forgetPortrait } from "./faces.js";
import { facesOf, frame, gradeFace, judge, openCamera, turn } from "./camera.js";
import { cut, decode, dropZone, refusal, shrink, toBlob } from "./pictures.js";
import { button, empty, heading, linkButton, notice, page, segments } from "./ui.js";
import { findPerson, forgetPeople, personField } from "./view_people.js";

const MOST = 20,
    SHOTS = 4;

// What is wrong with a picture that the server did not take, in plain words.
const REASONS = {
    invalid_image: "This is not a picture that facet can read.",
    image_too_large: "This picture has too many pixels.",
    face_not_found: "No face was found.",
    multiple_faces: "There are several faces. Use a picture of one person.",
    face_too_small: "The face is too small. Go closer or use a larger picture.",
    low_detection_score: "The face is hardly visible.",
    extreme_pose: "The face is turned too far away.",
    identity_similarity_conflict: "This looks more like somebody else who is enrolled.",
};
export function reasonOf(rejected) {
    const text = REASONS[rejected.reason] ?? rejected.detail ?? rejected.reason;
    return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

// ---- The pictures that were chosen ------------------------------------------------------------------------

// A list of pictures with what is to be said of each. changed() is called whenever it is another.
function shotList(changed, signal) {
    const element = h("ul.shots", { role: "list", "aria-label": "Chosen pictures" });
    const shots = [];

    function remove(shot) {
        const at = shots.indexOf(shot);
        shots.splice(at, 1);
        shot.element.remove();
        changed();
        element.children[Math.min(at, shots.length - 1)]?.querySelector("button")?.focus();
    }
    const chips = (list) =>
        list.map((c) => h(`span.chip.${c.kind}`, null, c.kind === "good" ? icon("check") : null, c.text));

    // Finds the face of a picture, shows it, and says what is good and bad about it.
    async function look(shot) {
        const bitmap = await decode(shot.file);
        try {
            const faces = await facesOf(
                bitmap && Math.max(bitmap.width, bitmap.height) > 1600 ? await toBlob(shrink(bitmap, 1280)) : shot.file,
                signal,
            );
            const scale = bitmap
                ? bitmap.width /
                  Math.min(bitmap.width, Math.max(bitmap.width, bitmap.height) > 1600 ? 1280 : bitmap.width)
                : 1;
            shot.fine = faces.length > 0;
            fill(shot.words, chips(gradeFace(faces)));
            if (bitmap && faces.length) {
                const b = faces[0].bbox.pixels;
                const box = { x: b.x * scale, y: b.y * scale, width: b.width * scale, height: b.height * scale };
                fill(shot.thumb, cut(bitmap, box, 0.35, 320));
            } else if (bitmap) fill(shot.thumb, shrink(bitmap, 320));
        } catch (error) {
            if (signal.aborted) return;
            shot.fine = false;
            fill(shot.words, h("span.chip.bad", null, error.status === 422 ? "Not readable" : "Not checked"));
            if (bitmap) fill(shot.thumb, shrink(bitmap, 320));
        }
        changed();
    }

    return {
        element,
        shots,
        bytes: () => shots.reduce((sum, s) => sum + s.file.size, 0),
        add(file) {
            const shot = { file, fine: null, thumb: h("span.thumb", null, h("span.spinner")), words: h("div.checks") };
            shot.words.append(h("span.small.muted", null, "Checking…"));
            shot.element = h(
                "li.shot",
                null,
                h(
                    "button.remove",
                    { type: "button", "aria-label": `Remove ${file.name}`, onclick: () => remove(shot) },
                    icon("cross"),
                ),
                shot.thumb,
                shot.words,
            );
            shots.push(shot);
            element.append(shot.element);
            changed();
            look(shot);
        },
        refuse(shot, words) {
            fill(shot.words, h("p", null, h("span.chip.bad", null, "Not taken"), " ", words));
        },
        clear() {
            shots.length = 0;
            element.replaceChildren();
            changed();
        },
    };
}

// ---- The webcam -------------------------------------------------------------------------------------------

// What the next picture should show, so that pictures of one person differ.
const WISHES = [
    { words: "Look straight into the camera.", fits: (t) => Math.abs(t) < 0.25 },
    { words: "Turn your head a little to one side.", fits: (t) => Math.abs(t) > 0.15 },
    { words: "Now a little to the other side.", fits: (t, first) => Math.abs(t) > 0.15 && Math.sign(t) !== first },
    { words: "And once more straight ahead, with a smile.", fits: (t) => Math.abs(t) < 0.25 },
];

function webcam(take, signal) {
    const video = h("video", { playsinline: true, muted: true, "aria-label": "What the webcam sees" });
    const say_ = h("p.say", { role: "status" }, "Starting the camera…");
    const cam = h("div.cam", null, video, h("div.oval"), say_);
    const checks = h("ul.checks", { role: "list", "aria-label": "What makes a good picture" });
    const auto = h("input", { type: "checkbox", checked: true });
    const shoot = button("Take a picture", { icon: "camera", disabled: true, onclick: () => capture() }, "primary");
    const element = h(
        "div.stack",
        null,
        cam,
        checks,
        h("div.row.apart", null, shoot, h("label.check", null, auto, h("span", null, "By itself when all is good"))),
    );
    let taken = 0,
        side = 0;

    async function capture(now = null) {
        take(now ?? (await frame(video, 1280)), true);
        taken++;
        announce(`Picture ${taken} taken`);
    }
    function tell(text) {
        if (say_.textContent !== text) say_.textContent = text;
    }
    async function watch() {
        let good = 0;
        while (!signal.aborted) {
            const picture = await frame(video, 640);
            const faces = await facesOf(picture, signal);
            const scale = Math.min(1, 640 / video.videoWidth);
            const now = judge(faces, video.videoWidth * scale, video.videoHeight * scale);
            fill(
                checks,
                now.checks.map((c) =>
                    h(
                        `li.chip.${c.good ? "good" : "warn"}`,
                        null,
                        icon(c.good ? "check" : "cross"),
                        c.name,
                        h("span.sr-only", null, c.good ? ": good" : ": not yet"),
                    ),
                ),
            );
            cam.dataset.good = String(!now.advice);
            const wish = auto.checked && taken < SHOTS ? WISHES[taken] : null;
            const t = now.face ? turn(now.face) : 0;
            tell(
                now.advice ||
                    wish?.words ||
                    (taken >= SHOTS ? "That is enough. Give a name and enroll." : "All is good."),
            );
            good = !now.advice && wish?.fits(t, side) ? good + 1 : 0;
            if (good >= 2) {
                if (taken === 1) side = Math.sign(t);
                await capture();
                good = 0;
                await wait(900, signal);
            }
            await wait(180, signal);
        }
    }
    (async () => {
        try {
            await openCamera(video, signal);
            shoot.disabled = false;
            await watch();
        } catch (error) {
            if (signal.aborted) return;
            fill(element, empty("camera", "No picture from the webcam", say(error)));
        }
    })();
    return element;
}

// ---- The view -----------------------------------------------------------------------------------------------

export async function enrollView(root, { signal, query }) {
    let known = null,
        source = null;
    const result = h("div.stack", { "aria-live": "polite" });
    const list = shotList(changed, signal);
    const who = personField("Name", {
        value: query.get("name") ?? "",
        onpick: (p) => {
            known = p;
            changed();
        },
        hint: "A known name gets these photos too.",
    });
    const strict = h("input", { type: "checkbox", checked: true, id: freshId("strict") });
    const bar = h("progress", { max: "1", value: 0, hidden: true, "aria-label": "Upload" });
    const send = h("button.button.primary", { type: "submit", disabled: true }, "Enroll");
    const place = h("div");

    function changed() {
        const n = list.shots.length;
        const none = !n;
        list.element.hidden = none;
        send.textContent = n ? `Enroll with ${plural(n, "picture")}` : "Enroll";
        send.disabled = none || !who.input.value.trim();
    }
    who.input.addEventListener("input", changed);

    function take(files) {
        result.replaceChildren();
        for (const file of [files].flat()) {
            const why =
                list.shots.length >= MOST
                    ? `At most ${MOST} pictures at once; ${file.name} is left out.`
                    : refusal(file, list.bytes());
            if (why) result.append(notice("bad", "warn", why));
            else list.add(file);
        }
    }

    function choose(kind) {
        source?.abort();
        source = new AbortController();
        const until = AbortSignal.any([signal, source.signal]);
        fill(
            place,
            kind === "camera"
                ? webcam(take, until)
                : dropZone({
                      title: "Drop photos of one person here",
                      multiple: true,
                      take,
                      signal: until,
                      words: "JPEG, PNG, WebP, HEIC… Pasting works, too. Three to five different photos are best.",
                  }).element,
        );
    }

    function answered(answer, name) {
        const person = answer.person ?? known;
        const rejected = new Map(answer.rejected_images.map((r) => [r.index, r]));
        const refused = list.shots.filter((_, i) => rejected.has(i));
        for (const [i, shot] of [...list.shots.entries()])
            if (rejected.has(i)) list.refuse(shot, reasonOf(rejected.get(i)));
        for (const shot of [...list.shots])
            if (!refused.includes(shot)) {
                list.shots.splice(list.shots.indexOf(shot), 1);
                shot.element.remove();
            }
        forgetPeople();
        forgetPortrait(person.id);
        const n = answer.faces.length;
        fill(
            result,
            notice(
                "good",
                "check",
                h("strong", null, `${name} is enrolled`),
                ` with ${plural(n, "photo")}.`,
                h(
                    "div.row",
                    null,
                    linkButton("Show", `#/people/${person.id}`, "compact"),
                    linkButton("Try to identify", "#/identify", "compact"),
                ),
            ),
        );
        if (!refused.length) {
            who.input.value = "";
            known = null;
        }
        changed();
    }

    async function enroll() {
        const name = who.input.value.trim();
        send.disabled = true;
        bar.hidden = false;
        bar.value = 0;
        result.replaceChildren();
        const fields = list.shots.map((s) => ["images", s.file]);
        fields.push(["review_mode", strict.checked ? "standard" : "off"]);
        const once = crypto.randomUUID?.() ?? String(Math.random());
        try {
            known ??= await findPerson(name, signal);
            if (!known) fields.push(["name", name]);
            const answer = await upload(known ? paths.faces(known.id) : paths.persons, form(fields), {
                once,
                signal,
                progress: (x) => {
                    bar.value = x;
                    if (x >= 1) bar.removeAttribute("value");
                },
            });
            answered(answer, name);
        } catch (error) {
            if (signal.aborted) return;
            const rejected = error.details?.rejected_images ?? [];
            for (const r of rejected) if (list.shots[r.index]) list.refuse(list.shots[r.index], reasonOf(r));
            fill(
                result,
                notice(
                    "bad",
                    "warn",
                    rejected.length ? `No picture could be used for ${name}; below each stands why.` : say(error),
                ),
            );
        } finally {
            bar.hidden = true;
            changed();
        }
    }

    const side = h(
        "form.card.stack",
        {
            onsubmit: (e) => {
                e.preventDefault();
                enroll();
            },
        },
        who.element,
        h(
            "label.check",
            null,
            strict,
            h("span", null, "Only good pictures", h("span.small.muted", null, " — one sharp, well-lit face in each")),
        ),
        bar,
        send,
        result,
    );
    page(
        root,
        heading(
            "Enroll",
            "Show facet a few photos of a person. It keeps small pictures of the face and what " +
                "it has learned from them, not your photos.",
        ),
        segments(
            "Where the pictures come from",
            [
                ["files", "Photos", "picture"],
                ["camera", "Webcam", "camera"],
            ],
            query.get("from") === "webcam" ? "camera" : "files",
            choose,
        ),
        h("div.two", null, h("div.stack.loose", null, place, list.element), side),
    );
    choose(query.get("from") === "webcam" ? "camera" : "files");
    changed();
}
