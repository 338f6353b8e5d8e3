// People who may be one, and pictures that are stored twice.
import { call, get, pages, paths } from "./api.js";
import { cosine, fill, h, icon, plural, when } from "./dom.js";
import { forgetPortrait, pathThumb } from "./faces.js";
import { beginJob, newestJob, watchJob } from "./jobs.js";
import {
    busy,
    button,
    confirm,
    empty,
    fault,
    heading,
    hide,
    isHidden,
    notice,
    page,
    show,
    toast,
    undoable,
    waiting,
} from "./ui.js";
import { forgetPeople } from "./view_people.js";

const SHOWN = 100; // the most alike come first
const nameOf = (pair) => `pair ${pair.faces.join("-")}`;

export async function duplicatesView(root, { signal }) {
    const place = h("div", null, waiting()),
        work = h("div");
    let pairs = [],
        searched = null;
    const searchButton = (words) =>
        button(words, { icon: "search", onclick: (e) => busy(e.currentTarget, search) }, "primary");
    const begin = searchButton("Search");
    page(
        root,
        heading("Duplicates", "The same person under two names, and pictures stored twice.", begin),
        work,
        place,
    );

    async function search() {
        const job = await watchJob(work, await beginJob("duplicates"), "Comparing everybody with everybody", signal);
        if (job.state === "failed") work.append(notice("bad", "warn", job.error));
        await load(job);
    }
    async function merge(pair, into, from, element) {
        if (
            !(await confirm(
                `Merge ${from.name} into ${into.name}?`,
                `The photos of ${from.name} become ${into.name}’s, and the name ` + `${from.name} is gone.`,
                "Merge",
                { danger: false },
            ))
        )
            return;
        await busy(element, async () => {
            await call("POST", `${paths.person(into.id)}/merge`, { json: { from: [from.id] } });
            hide(nameOf(pair));
            hide(`person ${from.id}`);
            forgetPortrait(into.id);
            forgetPeople();
            toast(`${from.name} is now part of ${into.name}`);
            draw();
        });
    }
    const side = (p, face) =>
        h(
            "div",
            null,
            pathThumb(paths.faceImage(p.id, face)),
            h("a", { href: `#/people/${p.id}` }, p.name),
            h("p.small.muted", null, plural(p.face_count, "photo")),
        );
    function people(pair) {
        const [a, b] = pair.persons;
        return h(
            "li.card.stack",
            null,
            h(
                "div.pair-card",
                null,
                side(a, pair.faces[0]),
                h("span.versus", null, icon("compare"), cosine(pair.score)),
                side(b, pair.faces[1]),
            ),
            h(
                "div.row",
                null,
                button(
                    `Keep “${a.name}”`,
                    { icon: "merge", onclick: (e) => merge(pair, a, b, e.currentTarget) },
                    "compact",
                ),
                button(
                    `Keep “${b.name}”`,
                    { icon: "merge", onclick: (e) => merge(pair, b, a, e.currentTarget) },
                    "compact",
                ),
                button(
                    "Two people",
                    {
                        onclick: () =>
                            undoable("Noted for this list", {
                                away: () => {
                                    hide(nameOf(pair));
                                    draw();
                                },
                                back: () => {
                                    show(nameOf(pair));
                                    draw();
                                },
                                run: async () => {},
                            }),
                    },
                    "compact quiet",
                ),
            ),
        );
    }
    function pictures(pair) {
        const [a, b] = pair.faces,
            [p, q = p] = pair.persons;
        return h(
            "li.card.stack",
            null,
            h("h2", null, p.name),
            h(
                "div.pair-card",
                null,
                pathThumb(paths.faceImage(p.id, a)),
                h("span.versus", null, cosine(pair.score)),
                pathThumb(paths.faceImage(q.id, b)),
            ),
            h(
                "div.row",
                null,
                button(
                    "Delete the second",
                    {
                        icon: "trash",
                        onclick: () =>
                            undoable("Photo deleted", {
                                away: () => {
                                    hide(`face ${b}`);
                                    draw();
                                },
                                back: () => {
                                    show(`face ${b}`);
                                    draw();
                                },
                                run: (keepalive) => call("DELETE", paths.face(q.id, b), { keepalive }),
                            }),
                    },
                    "compact danger",
                ),
            ),
        );
    }
    // Stored twice for one person; the same photo of two is rather one person under two names.
    const isPhoto = (pair) => pair.kind === "picture" && pair.persons.every((p) => p.id === pair.persons[0].id);
    const isShown = (pair) =>
        !isHidden(nameOf(pair)) &&
        pair.persons.every((p) => !isHidden(`person ${p.id}`)) &&
        !pair.faces.some((f) => isHidden(`face ${f}`));
    function draw() {
        const shown = pairs.filter(isShown);
        begin.lastChild.textContent = searched ? "Search again" : "Search";
        fill(
            place,
            !searched
                ? empty(
                      "duplicates",
                      "Not searched yet",
                      "facet compares everybody with everybody and shows those who look alike enough to be one person.",
                      searchButton("Compare everybody"),
                  )
                : !shown.length
                  ? empty("check", "No duplicates", `Everybody was compared on ${when(searched)}.`)
                  : h(
                        "ul.clusters",
                        { role: "list" },
                        shown.map((p) => (isPhoto(p) ? pictures(p) : people(p))),
                    ),
        );
    }
    // The job names people by id; pairs of which somebody is gone since are left out.
    async function withPeople(found) {
        const ids = [...new Set(found.flatMap((pair) => pair.persons))],
            people = new Map();
        while (ids.length)
            await Promise.all(
                ids.splice(0, 8).map(async (id) => {
                    const answer = await get(paths.person(id), { signal }).catch((error) => {
                        if (error.status !== 404) throw error;
                    });
                    if (answer) people.set(id, answer.person);
                }),
            );
        return found
            .filter((pair) => pair.persons.every((id) => people.has(id)))
            .map((pair) => ({ ...pair, persons: pair.persons.map((id) => people.get(id)) }));
    }
    async function load(job) {
        try {
            job ??= await newestJob("duplicates", signal);
            if (job && (job.state === "running" || job.state === "waiting"))
                job = await watchJob(work, job, "Comparing everybody with everybody", signal);
            searched = job?.ended_at ?? null;
            pairs = [];
            if (job) await pages(`/v1/jobs/${job.id}/results`, "results", (more) => pairs.push(...more), signal);
            pairs = await withPeople(pairs.slice(0, SHOWN));
            draw();
        } catch (error) {
            if (signal.aborted) return;
            begin.hidden = error.status === 404 || error.status === 501;
            fill(
                place,
                fault(error, () => load(null)),
            );
        }
    }
    await load(null);
}
