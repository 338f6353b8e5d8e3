// Everybody in the gallery, as a grid; and the parts with which other views choose a person.
import { get, pages, paths } from "./api.js";
import { announce, fill, freshId, h, icon, plural, wait } from "./dom.js";
import { personThumb } from "./faces.js";
import { virtualGrid } from "./grid.js";
import { button, empty, fault, heading, isHidden, linkButton, page, waiting } from "./ui.js";

const PAGE = 500;
const ORDERS = [
    ["enrolled", "As enrolled", null],
    ["name", "By name", (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true })],
    ["newest", "Newest first", (a, b) => b.created_at.localeCompare(a.created_at) || Number(b.id) - Number(a.id)],
    ["faces", "Most photos", (a, b) => b.face_count - a.face_count],
];
// What the view showed when it was left, so that coming back shows it at once, and at the same place.
const left = { people: null, search: "", order: "enrolled", scroll: 0 };
export function forgetPeople() {
    left.people = null;
    left.scroll = 0;
}

export function personCard(person) {
    return h(
        "a.face",
        { href: `#/people/${person.id}`, "aria-label": `${person.name}, ${plural(person.face_count, "photo")}` },
        personThumb(person),
        h("span.name", { title: person.name }, person.name),
        h("span.detail", null, plural(person.face_count, "photo")),
    );
}

export async function peopleView(root, { signal, role }) {
    const count = h("p", null, "\u00a0");
    const box = h("input", {
        type: "search",
        placeholder: "Search by name",
        "aria-label": "Search people by name",
        autocomplete: "off",
        spellcheck: "false",
        value: left.search,
    });
    const order = h(
        "select.pill",
        { "aria-label": "Order of people" },
        ORDERS.map(([value, words]) => h("option", { value, selected: value === left.order }, words)),
    );
    const tools = h("div.row.apart", null, h("div.search", null, icon("search"), box), order);
    const place = h("div", null, waiting());
    const deleted = h(
        "a.button.square.quiet",
        { href: "#/removed", "aria-label": "Recently deleted", title: "Recently deleted" },
        icon("trash"),
    );
    const enroll = role === "reader" ? null : linkButton("Enroll", "#/enroll", "primary", "enroll");
    const top = heading("People", null, deleted, enroll);
    top.querySelector(".words").append(count);
    page(root, top, tools, place);

    let people = [],
        loading = null;
    const shown = () => people.filter((p) => !isHidden(`person ${p.id}`));
    let list = [];
    const grid = virtualGrid({ label: "People", card: (i) => personCard(list[i]) });
    signal.addEventListener("abort", () => {
        Object.assign(left, { people, search: box.value, order: order.value, scroll: scrollY });
        grid.destroy();
    });

    // Puts what is there on the page; more: the cards that are shown stay.
    function draw(more) {
        const by = ORDERS.find(([value]) => value === order.value)[2];
        list = by ? shown().sort(by) : shown();
        tools.hidden = !list.length && !box.value;
        if (!list.length) {
            fill(
                place,
                box.value
                    ? empty(
                          "search",
                          "Nobody of this name",
                          `No name holds “${box.value}”.`,
                          button("Show everybody", {
                              onclick: () => {
                                  box.value = "";
                                  load();
                              },
                          }),
                      )
                    : empty(
                          "people",
                          "Nobody is enrolled yet",
                          "Enroll somebody with a few photos or the webcam, and facet recognizes them from then on.",
                          ...(enroll ? [linkButton("Enroll the first person", "#/enroll", "primary", "enroll")] : []),
                      ),
            );
            return;
        }
        if (grid.element.parentNode !== place) fill(place, grid.element);
        grid.update(list.length, more);
    }

    async function load() {
        loading?.abort();
        const mine = (loading = new AbortController());
        const until = AbortSignal.any([signal, mine.signal]);
        const words = box.value.trim(),
            found = [];
        const path = words ? `${paths.persons}?search=${encodeURIComponent(words)}` : paths.persons;
        const fresh = !people.length;
        const sorted = order.value !== "enrolled";
        try {
            const about = get(paths.here, { signal: until }).then(({ collection: c }) => {
                if (!words)
                    count.textContent = [
                        plural(c.person_count, "person", "people"),
                        plural(c.face_count, "photo"),
                    ].join(", ");
            });
            about.catch(() => {}); // whatever it is, the list fails of it too
            await pages(
                path,
                "persons",
                (more) => {
                    found.push(...more);
                    if (words) count.textContent = plural(found.length, "match", "matches");
                    // The first page is shown at once; sorted lists and lists that replace one wait for the last.
                    if ((fresh || words) && !sorted) {
                        people = found;
                        draw(found.length > more.length);
                    }
                },
                until,
                PAGE,
            );
            await about;
            people = found;
            draw(fresh && !sorted);
            if (words) announce(plural(found.length, "match", "matches"));
        } catch (error) {
            if (until.aborted) return;
            if (!people.length) fill(place, fault(error, load));
            else throw error;
        }
    }

    let typed = 0;
    box.addEventListener("input", async () => {
        const now = ++typed;
        await wait(180);
        if (now !== typed || signal.aborted) return;
        people = [];
        scrollTo(0, 0);
        load();
    });
    order.addEventListener("change", () => {
        scrollTo(0, 0);
        draw(false);
    });
    if (left.people && left.people.length) {
        people = left.people;
        draw(false);
        scrollTo(0, left.scroll);
    }
    await load();
}

// ---- Choosing a person -----------------------------------------------------------------------------------

// The person with exactly this name; null = there is none.
export async function findPerson(name, signal) {
    const wanted = name.trim().normalize("NFC").toLowerCase();
    const { persons } = await get(`${paths.persons}?limit=100&search=${encodeURIComponent(name.trim())}`, { signal });
    return persons.find((p) => p.name.normalize("NFC").toLowerCase() === wanted) ?? null;
}

// A field for a name that shows people whose names hold what was typed. onpick(person) when one of them
// was chosen; except: an id that is not offered. Returns { element, input }.
export function personField(label, { onpick, except = null, hint = null, value = "" } = {}) {
    const name = freshId("people"),
        list = h("ul", { id: name, role: "listbox", "aria-label": "People", hidden: true });
    const input = h("input", {
        id: freshId("name"),
        role: "combobox",
        autocomplete: "off",
        spellcheck: "false",
        maxlength: "200",
        "aria-expanded": "false",
        "aria-controls": name,
        "aria-autocomplete": "list",
        value,
    });
    let found = [],
        at = -1,
        asked = 0;

    function close() {
        list.hidden = true;
        at = -1;
        input.setAttribute("aria-expanded", "false");
        input.removeAttribute("aria-activedescendant");
    }
    function mark(i) {
        at = i;
        for (const [k, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(k === i));
        const item = list.children[i];
        if (item) {
            input.setAttribute("aria-activedescendant", item.id);
            item.scrollIntoView({ block: "nearest" });
        }
    }
    function pick(person) {
        input.value = person.name;
        close();
        onpick?.(person);
    }
    async function look() {
        const now = ++asked,
            words = input.value.trim();
        await wait(120);
        if (now !== asked) return;
        const path = `${paths.persons}?limit=20${words ? `&search=${encodeURIComponent(words)}` : ""}`;
        const { persons } = await get(path).catch(() => ({ persons: [] }));
        if (now !== asked || document.activeElement !== input) return;
        found = persons.filter((p) => p.id !== except && !isHidden(`person ${p.id}`)).slice(0, 8);
        fill(
            list,
            found.map((p) =>
                h(
                    "li",
                    {
                        id: freshId("option"),
                        role: "option",
                        "aria-selected": "false",
                        onmousedown: (e) => e.preventDefault(),
                        onclick: () => pick(p),
                    },
                    personThumb(p, "s"),
                    h("span.grow", null, p.name),
                ),
            ),
        );
        list.hidden = !found.length;
        input.setAttribute("aria-expanded", String(!list.hidden));
        at = -1;
    }
    input.addEventListener("input", () => {
        onpick?.(null);
        look();
    });
    input.addEventListener("focus", look);
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (e) => {
        if (e.key === "ArrowDown" || e.key === "ArrowUp") {
            e.preventDefault();
            if (list.hidden) look();
            else mark((at + (e.key === "ArrowDown" ? 1 : found.length + (at < 0 ? 0 : -1))) % found.length);
        } else if (e.key === "Enter" && at >= 0) {
            e.preventDefault();
            pick(found[at]);
        } else if (e.key === "Escape" && !list.hidden) {
            e.preventDefault();
            e.stopPropagation();
            close();
        }
    });
    const below = hint ? h("p.hint", null, hint) : null;
    const element = h(
        "div.field",
        null,
        h("label", { for: input.id }, label),
        h("div.combo", null, input, list),
        below,
    );
    return { element, input };
}
