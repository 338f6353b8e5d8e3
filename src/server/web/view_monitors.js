// Cameras that the server watches: their picture, how they are, and what they see.
import { call, can, collection, get, pages, say } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { personThumb } from "./faces.js";
import { follow, showMotion } from "./stream.js";
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
    toast,
    waiting,
} from "./ui.js";

const STATES = {
    connecting: ["", "Connecting"],
    running: ["good", "Running"],
    retrying: ["warn", "No connection, trying again"],
    stopped: ["", "Off"],
    failed: ["bad", "Cannot be watched"],
};
const KEPT = 200;

const path = (m, below = "") => `/v1/monitors/${encodeURIComponent(m.id ?? m)}${below}`;

function chip(m) {
    const [kind, words] = STATES[m.runtime.status] ?? ["", m.runtime.status];
    return h(`span.chip${kind ? `.${kind}` : ""}`, { title: m.runtime.last_error ?? null }, words);
}

// An address without a scheme is a device of the server, or a film in the folder that it was given for that.
function sourceOf(url) {
    return url.includes("://") || url.startsWith("/dev/") ? { url } : { type: "file", url, loop: true };
}

// A form for a new monitor or another name, rate or address of one.
function edit(m, done) {
    const name = h("input", { value: m?.name ?? "", maxlength: "200", autocomplete: "off" });
    const url = h("input", {
        value: "",
        placeholder: m ? m.source.url : "rtsp://user:password@192.168.1.20/stream1",
        autocomplete: "off",
        spellcheck: "false",
    });
    const rate = h(
        "select",
        null,
        [
            [0.5, "Every two seconds"],
            [1, "Once a second"],
            [2, "Twice a second"],
            [5, "Five times a second"],
            [10, "Ten times a second"],
        ].map(([value, words]) => h("option", { value, selected: value === (m?.inference_fps ?? 2) }, words)),
    );
    const unknown = h("input", { type: "checkbox", checked: m?.event_policy.emit_unknown ?? true });
    const named = field("Name", name);
    const address = field(
        m ? "Another address" : "Address",
        url,
        m
            ? "Leave it empty to keep the one there is. User name and password are never shown."
            : "rtsp://, http://, https://, or /dev/video0 for a camera of the server. A password is never shown again.",
    );
    const go = h("button.button.primary", { type: "submit" }, m ? "Save" : "Add");
    return dialog(
        m ? "Settings of the monitor" : "Add a monitor",
        (close) => [
            named,
            address,
            field("How often faces are looked for", rate),
            h("label.check", null, unknown, "Tell of faces that nobody knows"),
            actions(button("Cancel", { onclick: () => close() }), go),
        ],
        {
            onsubmit: async (close) => {
                if (!name.value.trim()) return named.fail("A name is needed.");
                if (!m && !url.value.trim()) return address.fail("An address is needed.");
                const json = {
                    name: name.value.trim(),
                    inference_fps: Number(rate.value),
                    event_policy: { emit_unknown: unknown.checked },
                };
                if (url.value.trim()) json.source = sourceOf(url.value.trim());
                if (!m) json.collection_id = collection();
                go.disabled = true;
                try {
                    await (m ? call("PATCH", path(m), { json }) : call("POST", "/v1/monitors", { json }));
                    close();
                    done();
                } catch (error) {
                    address.fail(say(error));
                } finally {
                    go.disabled = false;
                }
            },
        },
    );
}

function eventRow(e, names) {
    const at = new Date(e.occurred_at).toLocaleTimeString();
    const where = names.get(e.monitor_id) ?? e.monitor_id;
    if (e.type === "recognized" && e.person)
        return h(
            "li",
            null,
            personThumb({ ...e.person, face_count: 1 }, "s"),
            h(
                "div.grow",
                null,
                h("a.name", { href: `#/people/${e.person.id}` }, e.person.name ?? "Somebody who was deleted"),
                h("p.small.muted", null, `${where}, ${at}${e.similarity ? `, ${e.similarity.toFixed(2)}` : ""}`),
            ),
        );
    const words =
        {
            unknown: "Somebody unknown",
            started: "Connected",
            lost: "Connection lost",
            ended: "The film has ended",
            failed: "Cannot be watched",
            stopped: "Turned off",
        }[e.type] ?? e.type;
    return h(
        "li",
        null,
        h("span.thumb.s", null, icon(e.type === "unknown" ? "unknown" : "monitors")),
        h(
            "div.grow",
            null,
            h("p.name", null, words),
            h("p.small.muted", null, `${where}, ${at}${e.error ? `: ${e.error}` : ""}`),
        ),
    );
}

export async function monitorsView(root, { signal, role }) {
    const place = h("div", null, waiting());
    const list = h("ul.rows", {
        role: "list",
        "aria-label": "Events",
        "aria-live": "polite",
        "aria-relevant": "additions",
    });
    const state = h("span.chip");
    const feed = h(
        "section.card",
        { hidden: true },
        h("div.row.apart", null, h("h2", null, "What they see"), state),
        list,
    );
    const names = new Map(),
        cards = new Map();
    let monitors = [];
    const may = role === "admin";
    const addButton = button("Add a monitor", { icon: "plus", onclick: () => edit(null, load) }, "primary");
    page(
        root,
        heading("Monitors", "Cameras that the server watches day and night.", may ? addButton : null),
        h("div.two", null, place, feed),
    );

    // The live picture of one monitor; it is asked for while it is on the page and runs.
    function preview(m, box) {
        const canvas = h("canvas", { role: "img", "aria-label": `Live picture of ${m.name}`, hidden: true });
        const words = h("span.small", null, m.preview_enabled ? "Waiting for a picture…" : "Live pictures are off");
        fill(box, canvas, words);
        if (!m.preview_enabled) return null;
        const mine = new AbortController();
        showMotion(path(m, "/preview"), canvas, AbortSignal.any([signal, mine.signal]), () => {
            canvas.hidden = false;
            words.remove();
        }).catch((error) => {
            if (!mine.signal.aborted && !signal.aborted)
                words.textContent = error.status === 409 ? "No picture yet" : say(error);
        });
        return mine;
    }
    async function remove(m) {
        if (!(await confirm(`Delete the monitor ${m.name}?`, "Its events are deleted, too.", "Delete"))) return;
        await call("DELETE", path(m)).catch((error) => toast(say(error)));
        load();
    }
    function controls(m) {
        const turn = m.enabled ? "stop" : "start";
        const onclick = (e) =>
            busy(e.currentTarget, async () => {
                await call("POST", path(m, `/${turn}`));
                await load();
            });
        return h(
            "div.row",
            null,
            button(m.enabled ? "Turn off" : "Turn on", { icon: m.enabled ? "stop" : "play", onclick }, "compact"),
            button("Settings", { icon: "settings", onclick: () => edit(m, load) }, "compact"),
            iconButton("trash", `Delete ${m.name}`, { onclick: () => remove(m) }, "compact quiet danger"),
        );
    }
    function card(m) {
        const live = h("div.live", null, h("span.small", null, m.enabled ? "Connecting…" : "Off"));
        const mine = m.runtime.status === "running" ? preview(m, live) : null;
        const element = h(
            "li.card.stack",
            null,
            live,
            h(
                "div.row.apart",
                null,
                h("div.grow", null, h("h2", null, m.name), h("p.small.muted", null, m.source.url)),
                chip(m),
            ),
            m.runtime.last_error && m.runtime.status !== "running" ? h("p.small", null, m.runtime.last_error) : null,
            may ? controls(m) : null,
        );
        return {
            element,
            mine,
            key: JSON.stringify([m.name, m.source, m.enabled, m.runtime.status, m.runtime.last_error, m.inference_fps]),
        };
    }
    // Cards of monitors that have not changed stay, so that their pictures go on.
    function draw() {
        feed.hidden = !monitors.length;
        if (!monitors.length) {
            fill(
                place,
                empty(
                    "monitors",
                    "No monitors yet",
                    "Add a camera, and facet tells who comes by.",
                    ...(may
                        ? [button("Add a monitor", { icon: "plus", onclick: () => edit(null, load) }, "primary")]
                        : []),
                ),
            );
            cards.clear();
            return;
        }
        const shown = [];
        for (const m of monitors) {
            const fresh = JSON.stringify([
                m.name,
                m.source,
                m.enabled,
                m.runtime.status,
                m.runtime.last_error,
                m.inference_fps,
            ]);
            let c = cards.get(m.id);
            if (!c || c.key !== fresh) {
                c?.mine?.abort();
                c = card(m);
                cards.set(m.id, c);
            }
            shown.push(c.element);
        }
        const grid = place.firstChild?.matches?.("ul.clusters")
            ? place.firstChild
            : fill(place, h("ul.clusters", { role: "list" })).firstChild;
        grid.replaceChildren(...shown);
    }
    async function load() {
        try {
            const all = [];
            await pages("/v1/monitors", "monitors", (more) => all.push(...more), signal);
            monitors = all;
            for (const m of all) names.set(m.id, m.name);
            draw();
        } catch (error) {
            if (signal.aborted) return;
            addButton.hidden = error.status === 404 || error.status === 501;
            fill(place, fault(error, load));
        }
    }
    async function tell(e) {
        if (!names.has(e.monitor_id)) await load(); // a new one
        list.querySelector(".nothing")?.remove();
        list.prepend(eventRow(e, names));
        while (list.children.length > KEPT) list.lastChild.remove();
        if (e.type !== "recognized" && e.type !== "unknown") load();
    }
    await load();
    if (signal.aborted || !can("GET", "/v1/monitors")) return;
    const old = [];
    for (const m of monitors.slice(0, 8))
        old.push(
            ...(await get(path(m, "/events?limit=20&order=newest"), { signal }).catch(() => ({ events: [] }))).events,
        );
    old.sort((a, b) => a.sequence - b.sequence)
        .slice(-30)
        .forEach((e) => list.prepend(eventRow(e, names)));
    if (!list.children.length) list.append(h("li.nothing.muted", null, "Nothing happened yet."));
    follow(
        "/v1/monitors/events",
        signal,
        (e) => {
            if (e.type !== "truncated") tell(JSON.parse(e.data));
        },
        (open) => {
            state.className = `chip${open ? " good" : " warn"}`;
            state.textContent = open ? "Live" : "Connecting…";
        },
    ).catch((error) => {
        if (!signal.aborted) feed.append(notice("warn", "warn", say(error)));
    });
}
