// Faces that were seen and nobody knows, in groups: name them, merge, split, ignore or remove them.
import { call, get, pages, paths, say } from "./api.js";
import { day, fill, h, icon, plural, when } from "./dom.js";
import { pathThumb } from "./faces.js";
import { beginJob, watchJob } from "./jobs.js";
import {
    busy,
    button,
    confirm,
    empty,
    fault,
    heading,
    hide,
    iconButton,
    isHidden,
    linkButton,
    notice,
    page,
    segments,
    show,
    toast,
    undoable,
    waiting,
} from "./ui.js";
import { choosePerson, giveFaces } from "./who.js";

// Asks who it is and gives the faces (all of the group where none are named) to that person.
const nameFaces = (group, faces, thumbs, done) =>
    giveFaces({
        title: "Give a name",
        label: "Who is this?",
        thumbs,
        verb: "Save",
        give: async (who) => {
            const json = faces ? { ...who, faces } : who;
            const { person } = await call("POST", `${paths.group(group.id)}/name`, { json });
            return { person, words: `These faces are ${person.name} now`, after: done };
        },
    });

// "They are not X": faces like these are not taken for that person any more.
const notPerson = (group) =>
    choosePerson({
        title: "Not this person",
        words: "Faces like these will not be taken for this person again.",
        label: "Who is it not?",
        verb: "Note it",
        run: async (person) => {
            await call("POST", `${paths.group(group.id)}/not`, { json: { person_id: person.id } });
            return { words: `Noted: not ${person.name}` };
        },
    });

async function ignore(group, ignored, done) {
    await call("PATCH", paths.group(group.id), { json: { ignored } });
    done();
    if (ignored && (await toast("Ignored", { action: "Undo" }))) {
        await call("PATCH", paths.group(group.id), { json: { ignored: false } });
        done();
    }
}

const seen = (g) =>
    g.times_seen > 1
        ? `seen ${g.times_seen.toLocaleString("en")} times, last ${when(g.last_seen)}`
        : `seen ${when(g.last_seen)}`;

// Turns on that faces nobody knows are kept; for who may.
const keepButton = (done) =>
    button(
        "Keep unknown faces from now on",
        {
            onclick: (e) =>
                busy(e.currentTarget, async () => {
                    await call("PATCH", paths.here, { json: { keep_unknown: true } });
                    toast("Unknown faces are kept from now on");
                    done();
                }),
        },
        "primary",
    );

export async function unknownView(root, { signal, role }) {
    const place = h("div", null, waiting()),
        work = h("div"),
        may = role !== "reader";
    const bar = h("div.selection", { role: "region", "aria-label": "Chosen groups", hidden: true });
    let ignored = false,
        groups = [],
        keeps = true;
    const chosen = new Set();
    const again = button(
        "Group anew",
        {
            onclick: (e) =>
                busy(e.currentTarget, async () => {
                    const job = await watchJob(work, await beginJob("clusters"), "Grouping faces", signal);
                    if (job.state !== "done") work.append(notice("bad", "warn", job.error ?? "This was stopped."));
                    await load();
                }),
        },
        "",
    );
    page(
        root,
        heading(
            "Unknown faces",
            "Faces that were looked for and belong to nobody who is enrolled, the same face " +
                `in one group.${may ? " Give them names, and facet knows them." : ""}`,
            may ? again : null,
        ),
        segments(
            "Which groups",
            [
                [false, "To do"],
                [true, "Ignored"],
            ],
            false,
            (x) => {
                ignored = x;
                load();
            },
        ),
        work,
        place,
        bar,
    );

    function drawBar() {
        bar.hidden = chosen.size < 1;
        const picked = groups.filter((g) => chosen.has(g.id));
        fill(
            bar,
            h("strong", { "aria-live": "polite" }, `${picked.length} chosen`),
            button(
                "They are one person",
                {
                    icon: "merge",
                    disabled: picked.length < 2,
                    onclick: (e) =>
                        busy(e.currentTarget, async () => {
                            const [first, ...rest] = picked;
                            await call("POST", `${paths.group(first.id)}/merge`, {
                                json: { from: rest.map((g) => g.id) },
                            });
                            toast("Merged");
                            await load();
                        }),
                },
                "compact quiet",
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
    const remove = (group) =>
        undoable(`${plural(group.face_count, "face")} deleted`, {
            away: () => {
                hide(`group ${group.id}`);
                draw();
            },
            back: () => {
                show(`group ${group.id}`);
                draw();
            },
            run: (keepalive) => call("DELETE", paths.group(group.id), { keepalive }),
        });
    const choose = (g) =>
        h(
            "label.check.small",
            null,
            h("input", {
                type: "checkbox",
                checked: chosen.has(g.id),
                "aria-label": `Choose the group of ${plural(g.face_count, "face")}`,
                onchange: (e) => {
                    if (e.target.checked) chosen.add(g.id);
                    else chosen.delete(g.id);
                    drawBar();
                },
            }),
            "Choose",
        );
    const todo = (g) => [
        button(
            "Name…",
            { icon: "edit", onclick: () => nameFaces(g, null, [pathThumb(paths.groupImage(g.id), "l")], load) },
            "compact primary",
        ),
        button(
            "Not…",
            { icon: "notperson", onclick: () => notPerson(g), "aria-label": "Say who it is not" },
            "compact",
        ),
        button(
            g.ignored ? "Bring back" : "Ignore",
            { onclick: (e) => busy(e.currentTarget, () => ignore(g, !g.ignored, load)) },
            "compact",
        ),
        iconButton("trash", "Delete", { onclick: () => remove(g) }, "compact quiet danger"),
    ];
    const card = (g) =>
        h(
            "li.card.cluster",
            null,
            h(
                "div.row",
                null,
                pathThumb(paths.groupImage(g.id), "l"),
                h(
                    "div.stack.tight",
                    null,
                    h("a.name", { href: `#/unknown/${g.id}` }, h("strong", null, plural(g.face_count, "face"))),
                    h("span.small.muted", null, seen(g)),
                    g.source ? h("span.small.muted", null, g.source) : null,
                    may ? choose(g) : null,
                ),
            ),
            may ? h("div.row", null, todo(g)) : null,
        );
    function nothing() {
        if (ignored) return empty("unknown", "Nothing is ignored", "Groups that you ignore are kept here.");
        if (!keeps)
            return empty(
                "unknown",
                "Unknown faces are not kept",
                "This collection forgets every face that it does not know. " +
                    "It can keep them for a while, so that they can be named.",
                role === "admin" ? keepButton(load) : null,
            );
        return empty(
            "unknown",
            "No unknown faces",
            "Faces that Identify or a monitor sees and nobody knows are gathered here.",
            linkButton("Identify a picture", "#/identify", "primary", "identify"),
        );
    }
    function draw() {
        const shown = groups.filter((g) => !isHidden(`group ${g.id}`));
        fill(place, shown.length ? h("ul.clusters", { role: "list" }, shown.map(card)) : nothing());
        again.hidden = !shown.length;
        drawBar();
    }
    async function load() {
        try {
            const all = [];
            await pages(`${paths.unknown}?ignored=${ignored}`, "groups", (more) => all.push(...more), signal);
            if (!all.length) keeps = (await get(paths.here, { signal })).collection.keep_unknown;
            groups = all;
            chosen.clear();
            draw();
        } catch (error) {
            if (signal.aborted) return;
            again.hidden = true;
            fill(place, fault(error, load));
        }
    }
    await load();
}

// One group: its faces, of which some can be split off.
export async function groupView(root, { params: [id], signal, role }) {
    const inner = page(root, waiting());
    const chosen = new Set(),
        may = role !== "reader";
    const bar = h("div.selection", { role: "region", "aria-label": "Chosen faces", hidden: true });
    let group,
        faces = [];
    const thumb = (f, size = "") => pathThumb(paths.groupFaceImage(id, f.id), size);
    const seenOn = (f) => h("span.detail", null, day(f.created_at));
    const pick = (f, i) =>
        h(
            "button.face.pick",
            {
                type: "button",
                "aria-pressed": "false",
                "aria-label": `Face ${i + 1}, ${when(f.created_at)}`,
                onclick: (e) => {
                    if (!chosen.delete(f.id)) chosen.add(f.id);
                    e.currentTarget.setAttribute("aria-pressed", String(chosen.has(f.id)));
                    drawBar();
                },
            },
            h("span.tick", null, icon("check")),
            thumb(f),
            seenOn(f),
        );
    const picked = () => faces.filter((f) => chosen.has(f.id));

    function drawBar() {
        bar.hidden = !chosen.size;
        fill(
            bar,
            h("strong", { "aria-live": "polite" }, `${chosen.size} chosen`),
            button(
                "Name these…",
                {
                    icon: "edit",
                    onclick: () =>
                        nameFaces(
                            group,
                            [...chosen],
                            picked()
                                .slice(0, 6)
                                .map((f) => thumb(f, "m")),
                            load,
                        ),
                },
                "compact quiet",
            ),
            button(
                "Split off",
                {
                    icon: "split",
                    disabled: chosen.size === faces.length,
                    onclick: (e) =>
                        busy(e.currentTarget, async () => {
                            await call("POST", `${paths.group(id)}/split`, { json: { faces: [...chosen] } });
                            toast("They are a group of their own now");
                            await load();
                        }),
                },
                "compact quiet",
            ),
            button(
                "Delete",
                {
                    icon: "trash",
                    onclick: async () => {
                        if (
                            !(await confirm(
                                `Delete ${plural(chosen.size, "face")}?`,
                                "This cannot be undone.",
                                "Delete",
                            ))
                        )
                            return;
                        for (const f of chosen)
                            await call("DELETE", `${paths.groupFaces(id)}/${f}`).catch((error) => toast(say(error)));
                        await load();
                    },
                },
                "compact quiet danger",
            ),
        );
    }
    async function load() {
        try {
            ({ group } = await get(paths.group(id), { signal }));
            const all = [];
            await pages(paths.groupFaces(id), "faces", (more) => all.push(...more), signal);
            faces = all;
            chosen.clear();
            fill(
                inner,
                h("a.back", { href: "#/unknown" }, icon("back"), "Unknown faces"),
                heading(
                    "Somebody unknown",
                    `${plural(group.face_count, "face")}, ${seen(group)}`,
                    may
                        ? button(
                              "Name…",
                              {
                                  icon: "edit",
                                  onclick: () =>
                                      nameFaces(
                                          group,
                                          null,
                                          faces.slice(0, 6).map((f) => thumb(f, "m")),
                                          () => {
                                              location.hash = "#/unknown";
                                          },
                                      ),
                              },
                              "primary",
                          )
                        : null,
                ),
                h(
                    "ul.faces",
                    { role: "list", "aria-label": "Faces" },
                    faces.map((f, i) => h("li", null, may ? pick(f, i) : h("div.face", null, thumb(f), seenOn(f)))),
                ),
                bar,
            );
            drawBar();
        } catch (error) {
            if (signal.aborted) return;
            fill(
                inner,
                h("a.back", { href: "#/unknown" }, icon("back"), "Unknown faces"),
                error.status === 404
                    ? empty("unknown", "This group is gone", "It was named, merged or removed.")
                    : fault(error, load),
            );
        }
    }
    await load();
}
