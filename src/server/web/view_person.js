// One person: photos, and what can be done with them.
import { call, form, get, pages, paths, say, upload } from "./api.js";
import { announce, day, fill, h, icon, plural, when } from "./dom.js";
import { faceThumb, forgetPortrait, personThumb } from "./faces.js";
import { refusal } from "./pictures.js";
import {
    actions,
    button,
    confirm,
    dialog,
    empty,
    fault,
    field,
    hide,
    isHidden,
    notice,
    page,
    show,
    toast,
    toastFault,
    undoable,
    waiting,
} from "./ui.js";
import { forgetPeople } from "./view_people.js";
import { choosePerson, giveFaces } from "./who.js";

const go = (href) => {
    location.hash = href;
};

// ---- What changes the whole person --------------------------------------------------------------------

function rename(person, done) {
    const input = h("input", { value: person.name, maxlength: "200", autocomplete: "off" });
    const box = field("Name", input);
    return dialog(
        "Rename",
        (close) => [
            box,
            actions(
                button("Cancel", { onclick: () => close() }),
                h("button.button.primary", { type: "submit" }, "Save"),
            ),
        ],
        {
            onsubmit: async (close) => {
                const name = input.value.trim();
                if (!name) return box.fail("A name is needed.");
                try {
                    const answer = await call("PATCH", paths.person(person.id), { json: { name } });
                    close();
                    forgetPeople();
                    done(answer.person);
                    toast(`Renamed to ${answer.person.name}`);
                } catch (error) {
                    box.fail(
                        error.status === 409
                            ? "Somebody has this name already. To make them one person, use Merge."
                            : say(error),
                    );
                }
            },
        },
    );
}

// Another entry of the same human being becomes part of this one.
const merge = (person, done) =>
    choosePerson({
        title: `Merge into ${person.name}`,
        words: [
            "All photos of the one you choose become ",
            h("strong", null, person.name),
            "’s, and the other name is gone. Photos can be split off again later.",
        ],
        label: "Who is the same person?",
        except: person.id,
        verb: "Merge",
        show: (other) => [
            h("div", null, personThumb(other), h("strong", null, other.name)),
            icon("merge"),
            h("div", null, personThumb(person), h("strong", null, person.name)),
        ],
        run: async (other) => {
            const answer = await call("POST", `${paths.person(person.id)}/merge`, { json: { from: [other.id] } });
            forgetPortrait(person.id);
            forgetPeople();
            return { words: `${other.name} is now part of ${person.name}`, after: () => done(answer.person) };
        },
    });

// Removes a person; the server keeps it for a while, so that this can be undone.
export async function removePerson(person) {
    hide(`person ${person.id}`);
    try {
        await call("DELETE", paths.person(person.id));
    } catch (error) {
        show(`person ${person.id}`);
        toastFault(error);
        return;
    }
    forgetPeople();
    go("#/people");
    if (!(await toast(`${person.name} was deleted`, { action: "Undo", ms: 8000 }))) return;
    try {
        const answer = await call("POST", paths.restore(person.id), {});
        show(`person ${person.id}`);
        forgetPeople();
        announce("Undone");
        go(`#/people/${answer.person.id}`);
    } catch (error) {
        toastFault(error);
    }
}

async function forget(person) {
    const sure = await confirm(
        `Forget ${person.name}?`,
        "The name, all photos and everything learned from them are overwritten on the disk at once. Nobody can " +
            "bring them back. Only that somebody was forgotten stays in the audit log.",
        "Forget for good",
        { word: person.name },
    );
    if (!sure) return;
    try {
        await call("DELETE", paths.person(person.id));
        try {
            await call("DELETE", paths.removedPerson(person.id));
        } catch (error) {
            if (error.status !== 404) throw error; // the server keeps nobody who was removed
        }
        forgetPeople();
        go("#/people");
        toast(`${person.name} is forgotten`);
    } catch (error) {
        toastFault(error);
    }
}

// ---- What changes single photos --------------------------------------------------------------------------

const split = (person, faces, done) =>
    giveFaces({
        title: `Move ${plural(faces.length, "photo")}`,
        label: "Whose are they?",
        hint: "A new name makes a new person; a known one gets these photos.",
        except: person.id,
        thumbs: faces.slice(0, 6).map((f) => faceThumb(person.id, f, "m")),
        verb: "Move",
        give: async (who) => {
            const json = { faces: faces.map((f) => f.id), ...who };
            const answer = await call("POST", `${paths.person(person.id)}/split`, { json });
            forgetPortrait(person.id);
            return {
                person: answer.person,
                words: `${plural(faces.length, "photo")} moved to ${answer.person.name}`,
                after: () => (answer.from ? done() : go(`#/people/${answer.person.id}`)),
            };
        },
    });

async function reject(person, faces, done) {
    try {
        for (const f of faces) await call("POST", `${paths.person(person.id)}/negatives`, { json: { face_id: f.id } });
        forgetPortrait(person.id);
        toast(`Noted: not ${person.name}. Faces like these will not be taken for ${person.name} again.`);
    } catch (error) {
        toastFault(error);
    }
    done();
}

function removeFaces(person, faces, redraw) {
    const each = (what) => {
        for (const f of faces) what(`face ${f.id}`);
    };
    undoable(`${plural(faces.length, "photo")} deleted`, {
        away: () => {
            each(hide);
            redraw();
        },
        back: () => {
            each(show);
            redraw();
        },
        run: async (keepalive) => {
            for (const f of faces) await call("DELETE", paths.face(person.id, f.id), { keepalive });
            forgetPortrait(person.id);
            forgetPeople();
        },
    });
}

// Adds photos; what is refused is said of each.
async function addPhotos(person, files, done) {
    const good = files.filter((f) => {
        const why = refusal(f);
        if (why) toast(why, { ms: 8000 });
        return !why;
    });
    let stored = 0,
        last = "";
    for (const [i, file] of good.entries()) {
        announce(`Photo ${i + 1} of ${good.length}`);
        try {
            const answer = await upload(
                paths.faces(person.id),
                form([
                    ["images", file],
                    ["review_mode", "standard"],
                ]),
            );
            stored += answer.faces.length;
        } catch (error) {
            const refused = error.details?.rejected_images?.[0];
            last = `${file.name}: ${refused ? refused.detail || refused.reason : say(error)}`;
        }
    }
    if (stored) {
        forgetPortrait(person.id);
        forgetPeople();
        toast(`${plural(stored, "photo")} added`);
    }
    if (last) toast(last, { ms: 9000 });
    done();
}

// ---- The view ---------------------------------------------------------------------------------------------

function facts(person) {
    const rows = [
        ["Enrolled", when(person.created_at)],
        ["Number", person.id],
    ];
    if (person.external_id) rows.push(["External id", person.external_id]);
    if (person.expires_at) rows.push(["Is forgotten on", when(person.expires_at)]);
    if (person.consent)
        rows.push(["Consent", `${person.consent.text} (${person.consent.by}, ${when(person.consent.at)})`]);
    for (const [name, value] of Object.entries(person.metadata ?? {}))
        rows.push([name, typeof value === "string" ? value : JSON.stringify(value)]);
    return h(
        "dl.facts",
        null,
        rows.map(([dt, dd]) => [h("dt", null, dt), h("dd", null, dd)]),
    );
}

export async function personView(root, { params: [id], signal, title, role }) {
    const inner = page(root, waiting());
    const chosen = new Set(),
        may = role !== "reader";
    let person,
        faces = [];

    async function load() {
        try {
            ({ person } = await get(paths.person(id), { signal }));
            const all = [];
            await pages(paths.faces(id), "faces", (more) => all.push(...more), signal);
            faces = all;
            chosen.clear();
            draw();
        } catch (error) {
            if (signal.aborted) return;
            fill(
                inner,
                h("a.back", { href: "#/people" }, icon("back"), "People"),
                error.status === 404
                    ? empty("person", "Nobody here", "This person was removed, merged with another, or never existed.")
                    : fault(error, load),
            );
        }
    }

    const photos = h("ul.faces", { role: "list", "aria-label": "Photos" });
    const bar = h("div.selection", { role: "region", "aria-label": "Chosen photos", hidden: true });
    const note = h("div");
    const input = h("input", {
        type: "file",
        multiple: true,
        accept: "image/*",
        class: "sr-only",
        tabindex: "-1",
        "aria-label": "Photos to add",
        onchange: async () => {
            const files = [...input.files];
            input.value = "";
            await addPhotos(person, files, load);
        },
    });

    function drawBar() {
        const picked = faces.filter((f) => chosen.has(f.id));
        bar.hidden = !picked.length || !may;
        const all = picked.length === visible().length;
        fill(
            bar,
            h("strong", { "aria-live": "polite" }, `${picked.length} chosen`),
            button("Move to…", { icon: "split", onclick: () => split(person, picked, load) }, "compact quiet"),
            button(
                `Not ${person.name}`,
                {
                    icon: "notperson",
                    disabled: all,
                    title: all ? "A person keeps one photo at least" : null,
                    onclick: () => reject(person, picked, load),
                },
                "compact quiet",
            ),
            button(
                "Delete",
                {
                    icon: "trash",
                    onclick: () => {
                        chosen.clear();
                        removeFaces(person, picked, draw);
                    },
                },
                "compact quiet danger",
            ),
            button(
                "Clear",
                {
                    onclick: () => {
                        chosen.clear();
                        draw();
                    },
                },
                "compact quiet",
            ),
        );
    }
    const visible = () => faces.filter((f) => !isHidden(`face ${f.id}`));

    function drawFace(f, i) {
        return h(
            "li",
            null,
            h(
                "button.face.pick",
                {
                    type: "button",
                    "aria-pressed": String(chosen.has(f.id)),
                    "aria-label": `Photo ${i + 1}, ${when(f.created_at)}`,
                    onclick: (e) => {
                        if (!chosen.delete(f.id)) chosen.add(f.id);
                        e.currentTarget.setAttribute("aria-pressed", String(chosen.has(f.id)));
                        drawBar();
                    },
                },
                h("span.tick", null, icon("check")),
                faceThumb(person.id, f),
                h("span.detail", null, day(f.created_at)),
            ),
        );
    }

    function draw() {
        title(person.name);
        const shown = visible();
        fill(photos, shown.map(drawFace));
        fill(
            note,
            shown.length ? null : empty("picture", "No photos", "Add a few, and facet recognizes this person."),
            shown.length && shown.length < 3
                ? notice(
                      "",
                      "info",
                      "Three or more different photos make a person easier " +
                          "to recognize: other light, another angle, with and without glasses.",
                  )
                : null,
        );
        const changed = (p) => {
            person = p;
            load();
        };
        fill(
            inner,
            h("a.back", { href: "#/people" }, icon("back"), "People"),
            h(
                "header.person-head",
                null,
                personThumb(person, "l"),
                h(
                    "div.words",
                    null,
                    h("h1", { tabindex: "-1" }, person.name),
                    h("p.muted", null, plural(shown.length, "photo")),
                ),
                may
                    ? h(
                          "div.row",
                          null,
                          button("Add photos", { icon: "upload", onclick: () => input.click() }, "primary compact"),
                          button("Rename", { icon: "edit", onclick: () => rename(person, changed) }, "compact"),
                          button("Merge…", { icon: "merge", onclick: () => merge(person, changed) }, "compact"),
                          button("Delete", { icon: "trash", onclick: () => removePerson(person) }, "compact danger"),
                          button("Forget…", { icon: "forget", onclick: () => forget(person) }, "compact quiet danger"),
                          input,
                      )
                    : null,
            ),
            note,
            photos,
            bar,
            h("section.card", null, h("h2", null, "Details"), facts(person)),
        );
        drawBar();
    }
    await load();
}
