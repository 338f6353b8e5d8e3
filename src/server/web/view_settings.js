// How the page looks; what is kept of a collection; what the whole server does.
import { call, can, collection, get, pages, paths, say, setCollection } from "./api.js";
import { cosine, fill, h, plural } from "./dom.js";
import { forgetAllPictures } from "./faces.js";
import {
    actions,
    busy,
    button,
    confirm,
    dialog,
    field,
    heading,
    notice,
    page,
    segments,
    toast,
    toastFault,
} from "./ui.js";
import { forgetPeople } from "./view_people.js";

// ---- The look ---------------------------------------------------------------------------------------------

export function theme() {
    return document.documentElement.dataset.theme ?? "system";
}
export function setTheme(name) {
    const root = document.documentElement;
    if (name === "system") delete root.dataset.theme;
    else root.dataset.theme = name;
    try {
        if (name === "system") localStorage.removeItem("facet.theme");
        else localStorage.setItem("facet.theme", name);
    } catch {
        /* until the window closes, then */
    }
}

// ---- Parts --------------------------------------------------------------------------------------------------

// A threshold: empty means the one that holds without it.
function thresholdField(label, value, otherwise, hint) {
    const input = h("input", {
        type: "number",
        min: "-1",
        max: "1",
        step: "any",
        value: value ?? "",
        placeholder: cosine(otherwise),
    });
    const box = field(label, input, hint);
    box.read = () => (input.value.trim() === "" ? null : Number(input.value));
    return box;
}
function numberField(label, value, hint, most) {
    const input = h("input", { type: "number", min: "0", max: String(most), step: "1", value });
    const box = field(label, input, hint);
    box.read = () => Number(input.value);
    return box;
}
function tick(label, checked) {
    const input = h("input", { type: "checkbox", checked });
    const box = h("label.check", null, input, h("span", null, label));
    box.read = () => input.checked;
    return box;
}

// A card with fields and a button that saves them; read() gives what is sent.
function saved(title, words, fields, save) {
    const go = h("button.button.primary", { type: "submit" }, "Save");
    const wrong = h("div", { "aria-live": "polite" });
    return h(
        "form.card.stack",
        {
            onsubmit: (e) => {
                e.preventDefault();
                wrong.replaceChildren();
                busy(go, async () => {
                    try {
                        await save();
                        toast("Saved");
                    } catch (error) {
                        fill(wrong, notice("bad", "warn", say(error)));
                    }
                });
            },
        },
        h("div.stack.tight", null, h("h2", null, title), words ? h("p.muted", null, words) : null),
        fields,
        wrong,
        h("div.row", null, go),
    );
}

function collectionCard(c, refresh) {
    const name = h("input", { value: c.name, maxlength: "200", autocomplete: "off" });
    const own = c.id === "_default";
    const limit = thresholdField(
        "Threshold",
        c.threshold,
        c.default_threshold,
        `From -1 to 1. Empty: ${cosine(c.default_threshold)}. Compare shows what another one would do.`,
    );
    const crops = tick("Keep a small picture of each enrolled face", c.save_face_crops);
    const keep = tick("Keep unknown faces, so that they can be named", c.keep_unknown);
    const days = numberField("Keep unknown faces for so many days", c.unknown_days, null, 3650);
    return saved(
        own ? "This collection" : `Collection ${c.name}`,
        `${plural(c.person_count, "person", "people")}, ` + plural(c.face_count, "photo"),
        [own ? null : field("Name", name), limit, crops, keep, days],
        async () => {
            const json = {
                threshold: limit.read(),
                save_face_crops: crops.read(),
                keep_unknown: keep.read(),
                unknown_days: days.read(),
            };
            if (!own && name.value.trim() !== c.name) json.name = name.value.trim();
            await call("PATCH", paths.here, { json });
            refresh();
        },
    );
}

function serverCard({ settings }, refresh) {
    const limit = thresholdField(
        "Threshold for collections without their own",
        settings.threshold,
        settings.default_threshold,
        `Empty: ${cosine(settings.default_threshold)}, the model’s.`,
    );
    const audit = h(
        "select",
        null,
        [
            ["off", "Nothing"],
            ["changes", "Changes"],
            ["searches", "Changes and searches"],
        ].map(([value, words]) => h("option", { value, selected: value === settings.audit }, words)),
    );
    const removed = numberField(
        "Deleted people can be restored for so many days",
        settings.removed_days,
        "0: they are gone at once.",
        365,
    );
    const rate = numberField("Requests per second of one key", settings.rate, "0: as many as it wants.", 1000000);
    return saved("The server", null, [limit, field("What the audit log notes", audit), removed, rate], async () => {
        await call("PATCH", "/v1/settings", {
            json: { threshold: limit.read(), audit: audit.value, removed_days: removed.read(), rate: rate.read() },
        });
        refresh();
    });
}

function newCollection(done) {
    const name = h("input", { maxlength: "64", autocomplete: "off", spellcheck: "false" });
    const box = field("Name", name, "Letters, digits, dots and dashes; for example “staff”.");
    const go = h("button.button.primary", { type: "submit" }, "Make it");
    return dialog(
        "New collection",
        (close) => [
            h("p.muted", null, "A collection has people of its own: a name may be in two of them."),
            box,
            actions(button("Cancel", { onclick: () => close() }), go),
        ],
        {
            onsubmit: async (close) => {
                const id = name.value.trim();
                if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id))
                    return box.fail("Begin with a letter or a digit, then letters, digits, dots and dashes.");
                try {
                    await call("POST", "/v1/collections", { json: { id } });
                    close();
                    done(id);
                } catch (error) {
                    box.fail(error.status === 409 ? "There is a collection of this name already." : say(error));
                }
            },
        },
    );
}

// Shows another collection from now on.
export function useCollection(id) {
    setCollection(id);
    forgetPeople();
    forgetAllPictures();
    dispatchEvent(new Event("facet:collection"));
}

function collectionsCard(all, refresh) {
    const row = (c) =>
        h(
            "li",
            null,
            h(
                "div.grow",
                null,
                h("p.name", null, c.id === "_default" ? "Default" : c.name),
                h(
                    "p.small.muted",
                    null,
                    `${plural(c.person_count, "person", "people")}, ${plural(c.face_count, "photo")}`,
                ),
            ),
            c.id === collection()
                ? h("span.chip.good", null, "shown")
                : button(
                      "Show",
                      {
                          onclick: () => {
                              useCollection(c.id);
                              refresh();
                          },
                      },
                      "compact",
                  ),
            c.id === "_default"
                ? null
                : button(
                      "Delete",
                      {
                          icon: "trash",
                          onclick: async () => {
                              if (
                                  !(await confirm(
                                      `Delete the collection ${c.name}?`,
                                      `Its ${plural(c.person_count, "person", "people")} go with it, for good.`,
                                      "Delete",
                                      { word: c.person_count ? c.name : null },
                                  ))
                              )
                                  return;
                              try {
                                  await call("DELETE", `/v1/collections/${encodeURIComponent(c.id)}?force=true`);
                                  if (c.id === collection()) useCollection("_default");
                                  refresh();
                              } catch (error) {
                                  toastFault(error);
                              }
                          },
                      },
                      "compact danger",
                  ),
        );
    return h(
        "section.card.stack",
        null,
        h("h2", null, "Collections"),
        h("ul.rows", { role: "list" }, all.map(row)),
        h(
            "div.row",
            null,
            button("New collection", {
                icon: "plus",
                onclick: () =>
                    newCollection((id) => {
                        useCollection(id);
                        refresh();
                    }),
            }),
        ),
    );
}

export async function settingsView(root, { signal, role }) {
    const rest = h("div.stack.loose");
    page(
        root,
        heading("Settings"),
        h(
            "section.card.stack",
            null,
            h("h2", null, "Appearance"),
            segments(
                "Theme",
                [
                    ["system", "System", "screen"],
                    ["light", "Light", "sun"],
                    ["dark", "Dark", "moon"],
                ],
                theme(),
                setTheme,
            ),
        ),
        rest,
    ).classList.add("narrow");

    async function load() {
        const parts = [];
        if (role !== "admin") {
            fill(rest, notice("", "info", "Everything else here is for administrators."));
            return;
        }
        try {
            if (can("PATCH", "/v1/collections/{collection}"))
                parts.push(collectionCard((await get(paths.here, { signal })).collection, load));
            if (can("GET", "/v1/settings")) parts.push(serverCard(await get("/v1/settings", { signal }), load));
            if (can("POST", "/v1/collections")) {
                const all = [];
                await pages("/v1/collections", "collections", (more) => all.push(...more), signal);
                parts.push(collectionsCard(all, load));
            }
        } catch (error) {
            if (signal.aborted) return;
            parts.push(notice("warn", "warn", say(error)));
        }
        fill(
            rest,
            parts.length ? parts : notice("", "info", "This server has nothing else to set here; see its options."),
        );
    }
    await load();
}
