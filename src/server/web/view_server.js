// What runs here and how much it does; who may use it; who did what.
import { call, get, paths, say } from "./api.js";
import { fill, h, plural, span, wait, when } from "./dom.js";
import {
    actions,
    busy,
    button,
    confirm,
    dialog,
    empty,
    fault,
    field,
    heading,
    iconButton,
    notice,
    page,
    table,
    toast,
    waiting,
} from "./ui.js";

// ---- System --------------------------------------------------------------------------------------------

// The counters of /metrics as { name: [{ labels, value }] }.
function readMetrics(text) {
    const out = {};
    for (const line of text.split("\n")) {
        const found = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
        if (!found) continue;
        const labels = Object.fromEntries([...(found[2] ?? "").matchAll(/(\w+)="([^"]*)"/g)].map((m) => [m[1], m[2]]));
        (out[found[1]] ??= []).push({ labels, value: Number(found[3]) });
    }
    return out;
}

// How often each operation was asked for, and how long it took, from the counters.
function operations(metrics) {
    const rows = new Map();
    const of = (x) => {
        const name = x.labels.operation ?? x.labels.route ?? x.labels.name ?? "other";
        if (!rows.has(name)) rows.set(name, { name, count: 0, seconds: 0, failed: 0 });
        return rows.get(name);
    };
    for (const [name, values] of Object.entries(metrics)) {
        if (/requests_total$/.test(name))
            for (const x of values) {
                of(x).count += x.value;
                if (/^5/.test(x.labels.status ?? x.labels.code ?? "")) of(x).failed += x.value;
            }
        if (/seconds_sum$/.test(name)) for (const x of values) of(x).seconds += x.value;
    }
    return [...rows.values()].filter((r) => r.count).sort((a, b) => b.count - a.count);
}

// What was asked for most, in a table.
function requests(ops) {
    const list = table([
        ["Operation"],
        ["Requests", "number"],
        ["Mean time", "number"],
        ["Failed", "number"],
    ]);
    list.add(
        ops
            .slice(0, 20)
            .map((r) => [
                r.name,
                r.count.toLocaleString("en"),
                `${((r.seconds / r.count) * 1000).toFixed(1)} ms`,
                r.failed,
            ]),
    );
    return list.element;
}

export async function systemView(root, { signal }) {
    const place = h("div.stack.loose", null, waiting());
    page(root, heading("System", "What runs here, and how much it does."), place);
    const tile = (dt, dd) => h("div.tile", null, h("dt", null, dt), h("dd", null, dd));
    const fact = (dt, dd) => [h("dt", null, dt), h("dd", null, dd)];

    function draw(system, { models }, metrics) {
        const ops = operations(metrics);
        const stats = system.stats;
        fill(
            place,
            h(
                "dl.tiles",
                null,
                tile("People", system.database.persons.toLocaleString("en")),
                tile("Photos stored", system.database.faces.toLocaleString("en")),
                tile("Pictures analyzed", stats.pictures.toLocaleString("en")),
                tile("Faces found", stats.faces.toLocaleString("en")),
                tile("Connections", stats.connections),
                tile("Running for", span(stats.uptime_seconds)),
            ),
            h(
                "div.two.even",
                null,
                h(
                    "section.card",
                    null,
                    h("h2", null, "Server"),
                    h(
                        "dl.facts",
                        null,
                        fact("Version", system.server_version),
                        fact("Processor", system.cpu.brand),
                        fact("Instructions", system.cpu.level),
                        fact("Threads", system.cpu.threads),
                        fact("Interfaces", system.interfaces.join(", ")),
                        fact(
                            "Gallery",
                            [
                                system.database.kind ?? "SQLite",
                                `schema ${system.database.schema}`,
                                system.database.encrypted ? "encrypted" : "",
                            ]
                                .filter(Boolean)
                                .join(", "),
                        ),
                    ),
                ),
                h(
                    "section.card",
                    null,
                    h("h2", null, "Model"),
                    h(
                        "dl.facts",
                        null,
                        fact("Pack", system.model.model_id),
                        fact("Threshold", system.model.threshold.toFixed(3)),
                        fact("Embedding", `${system.model.embedding_dimension} numbers`),
                        models.map((m) => fact(m.task, h("span.mono", { title: m.sha256 }, m.file))),
                    ),
                ),
            ),
            ops.length ? h("section.card", null, h("h2", null, "Requests since the start"), requests(ops)) : null,
        );
    }
    for (;;) {
        try {
            const [system, models, text] = await Promise.all([
                get("/v1/system", { signal }),
                get("/v1/models", { signal }),
                get("/metrics", { signal, as: "text" }),
            ]);
            draw(system, models, readMetrics(text));
        } catch (error) {
            if (signal.aborted) return;
            fill(place, fault(error));
            if (error.status) return;
        }
        await wait(5000, signal);
    }
}

// ---- Keys ---------------------------------------------------------------------------------------------------

const ROLES = [
    ["reader", "Reader", "detects, compares, searches and lists"],
    ["enroller", "Enroller", "also adds, changes and removes people"],
    ["admin", "Administrator", "may do everything"],
];
const roleName = (role) => ROLES.find(([r]) => r === role)?.[1] ?? role;

// A text to copy, which is shown once.
function secret(text) {
    return h(
        "div.secret",
        null,
        h("code", null, text),
        iconButton("copy", "Copy the key", {
            onclick: async () => {
                try {
                    await navigator.clipboard.writeText(text);
                    toast("Copied");
                } catch {
                    toast("The browser does not allow it here; mark the key and copy it.");
                }
            },
        }),
    );
}

function addKey(done) {
    const name = h("input", { maxlength: "64", autocomplete: "off" });
    const box = field("What is it for?", name, "For example the program or the person who uses it.");
    let role = "reader";
    const go = h("button.button.primary", { type: "submit" }, "Make the key");
    return dialog(
        "New key",
        (close) => [
            box,
            h(
                "fieldset.stack.tight.plain",
                null,
                h("legend.label", null, "What may it do?"),
                ROLES.map(([value, words, what]) =>
                    h(
                        "label.check",
                        null,
                        h("input", {
                            type: "radio",
                            name: "role",
                            value,
                            checked: value === role,
                            onchange: () => {
                                role = value;
                            },
                        }),
                        h("span", null, h("strong", null, words), h("span.muted", null, ` ${what}`)),
                    ),
                ),
            ),
            actions(button("Cancel", { onclick: () => close() }), go),
        ],
        {
            onsubmit: async (close) => {
                if (!name.value.trim()) return box.fail("A name is needed.");
                go.disabled = true;
                try {
                    const made = await call("POST", "/v1/keys", { json: { name: name.value.trim(), role } });
                    close();
                    done();
                    await dialog("The new key", (end) => [
                        h("p", null, "Copy it now. It is stored as a hash only and cannot be shown again."),
                        secret(made.secret),
                        actions(button("Done", { onclick: () => end() }, "primary")),
                    ]);
                } catch (error) {
                    box.fail(error.status === 409 ? "There is a key of this name already." : say(error));
                } finally {
                    go.disabled = false;
                }
            },
        },
    );
}

export async function keysView(root, { signal }) {
    const place = h("div", null, waiting());
    page(
        root,
        heading(
            "Keys",
            "Whoever uses the server has a key. What a key may do depends on its role.",
            button("New key", { icon: "plus", onclick: () => addKey(load) }, "primary"),
        ),
        place,
    );
    const revoke = async (k, mine) => {
        const words = "Whoever uses this key is locked out at once. It cannot be brought back.";
        if (!(await confirm(`Revoke ${k.name}?`, words, "Revoke"))) return;
        await busy(mine, () => call("DELETE", `/v1/keys/${k.id}`));
        load();
    };
    const row = (k) => [
        h("span", null, h("strong", null, k.name), k.current ? h("span.chip.good", null, "yours") : null),
        roleName(k.role),
        h("span.whole", null, when(k.created_at)),
        h("span.mono.whole", null, k.id),
        k.current ? null : button("Revoke", { onclick: (e) => revoke(k, e.currentTarget) }, "compact danger"),
    ];
    async function load() {
        try {
            const { keys } = await get("/v1/keys", { signal });
            const list = table([["Name"], ["Role"], ["Made"], ["Id"], ["Actions", "end"]]);
            list.add(keys.map(row));
            fill(place, h("section.card", null, list.element));
        } catch (error) {
            if (!signal.aborted) fill(place, fault(error, load));
        }
    }
    await load();
}

// ---- The audit log ---------------------------------------------------------------------------------------------

const SHOWN = 3; // of the people whom a search has found

function personLink(id, people) {
    const name = people.get(String(id));
    return name ? h("a", { href: `#/people/${id}` }, name) : `person ${id}`;
}

// "2 faces: Ada 0.87, Bob 0.61 and 3 more"
function foundWords(detail, people) {
    const { faces, found } = detail;
    const first = found
        .slice(0, SHOWN)
        .flatMap((m, i) => [i ? ", " : "", personLink(m.person, people), ` ${m.score.toFixed(2)}`]);
    const more = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : "";
    return [plural(faces, "face", "faces"), found.length ? ": " : ", nobody found", ...first, more];
}

function detailOf(entry, people) {
    const d = { ...entry.detail },
        out = [];
    if (Array.isArray(d.found)) return foundWords(d, people);
    if (d.person) {
        out.push(personLink(d.person, people));
        delete d.person;
    }
    const rest = Object.entries(d).map(
        ([k, v]) => `${k} ${Array.isArray(v) ? v.join(", ") : typeof v === "object" ? JSON.stringify(v) : v}`,
    );
    return [...out, out.length && rest.length ? ", " : "", rest.join(", ")];
}

export async function auditView(root, { signal }) {
    const place = h("div", null, waiting()),
        verdict = h("div", { "aria-live": "polite" });
    const check = button("Check the chain", {
        icon: "check",
        onclick: (e) =>
            busy(e.currentTarget, async () => {
                const answer = await get("/v1/audit/check", { signal });
                fill(
                    verdict,
                    answer.intact
                        ? notice(
                              "good",
                              "check",
                              `${plural(answer.entries, "entry", "entries")}, as they were written. The last hash: `,
                              h("span.mono", null, answer.hash.slice(0, 16)),
                              "…; keep it elsewhere, and nobody can cut off the end unnoticed.",
                          )
                        : notice("bad", "warn", `The log was changed: ${answer.fault}`),
                );
            }),
    });
    page(
        root,
        heading(
            "Audit",
            "Who did what. Each entry holds a hash over the one before it, so that none can be changed or " +
                "taken out unnoticed.",
            check,
        ),
        verdict,
        place,
    );
    const list = table([["When"], ["Who"], ["What"], ["Details"]]),
        people = new Map();
    const more = button("Show older entries", { onclick: (e) => busy(e.currentTarget, next) });
    let cursor = null;
    const row = (entry) => [
        h("span.whole", null, when(entry.time)),
        entry.actor || "—",
        h("strong", null, entry.what),
        h("span", null, detailOf(entry, people)),
    ];
    // The names of the people that entries speak of; those who are gone have none.
    async function learnNames(entries) {
        const named = (x) => [x.detail.person, ...(x.detail.found ?? []).slice(0, SHOWN).map((m) => m.person)];
        const ids = new Set(entries.flatMap(named).filter((id) => id && !people.has(String(id))));
        await Promise.all(
            [...ids].map(async (id) => {
                people.set(String(id), null);
                const { person } = await get(paths.person(id), { signal }).catch(() => ({ person: null }));
                people.set(String(id), person?.name ?? null);
            }),
        );
    }
    async function next() {
        const answer = await get(
            `/v1/audit?limit=50&order=newest${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
            { signal },
        );
        await learnNames(answer.entries);
        list.add(answer.entries.map(row));
        cursor = answer.next_cursor;
        more.hidden = !cursor;
        return answer.entries.length;
    }
    async function load() {
        try {
            cursor = null;
            list.clear();
            const n = await next();
            fill(
                place,
                n
                    ? h("section.card.stack", null, list.element, h("div.row", null, more))
                    : empty(
                          "audit",
                          "Nothing was noted",
                          "Changes are noted from now on, unless the settings say otherwise.",
                      ),
            );
        } catch (error) {
            if (signal.aborted) return;
            check.hidden = true;
            fill(place, fault(error, load));
        }
    }
    await load();
}
