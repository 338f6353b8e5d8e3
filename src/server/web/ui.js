// Parts that all views use: headings, messages, dialogs, undo, empty states, faults.
import { LostConnection, say } from "./api.js";
import { add, announce, fill, freshId, h, icon } from "./dom.js";

// The heading of a view; words: below it; actions: buttons.
export function heading(title, words, ...actions) {
    return h(
        "header.head",
        null,
        h("div.words", null, h("h1", { tabindex: "-1" }, title), words ? h("p", null, words) : null),
        actions.flat().some(Boolean) ? h("div.row", null, actions) : null,
    );
}

export function page(root, ...children) {
    return fill(root, h("div.page", null, children)).firstChild;
}

// A button; options are its attributes, and icon the picture before its words.
export function button(words, { icon: picture, ...options } = {}, look = "") {
    const name = `button.button${look ? `.${look.replaceAll(" ", ".")}` : ""}`;
    return h(name, { type: "button", ...options }, picture ? icon(picture) : null, words);
}

// A link that looks like a button.
export const linkButton = (words, href, look = "", picture = null) =>
    h(`a.button${look ? `.${look.replaceAll(" ", ".")}` : ""}`, { href }, picture ? icon(picture) : null, words);

// A button with a picture alone; words say what it does to whoever does not see it.
export const iconButton = (picture, words, options = {}, look = "quiet") =>
    h(
        `button.button.square.${look.replaceAll(" ", ".")}`,
        { type: "button", "aria-label": words, title: words, ...options },
        icon(picture),
    );

export const notice = (kind, picture, ...words) =>
    h(`div.notice.${kind}`, { role: kind === "bad" ? "alert" : null }, icon(picture), h("div", null, words));

export function empty(picture, title, words, ...actions) {
    return h(
        "div.empty",
        null,
        icon(picture, "large"),
        h("h2", null, title),
        h("p", null, words),
        actions.length ? h("div.row", null, actions) : null,
    );
}

export const waiting = (words = "Loading…") => h("div.waiting", { role: "status" }, h("span.spinner"), words);

// What went wrong in place of what was to be shown. A lost connection says so in the banner, and the
// view comes back by itself.
export function fault(error, retry) {
    const lost = error instanceof LostConnection;
    const missing = error.status === 404 || error.status === 501;
    return empty(
        missing ? "info" : "warn",
        lost ? "No connection" : missing ? "Not there" : "That did not work",
        lost ? "This page comes back as soon as the server answers." : say(error),
        ...(retry && !lost && !missing ? [button("Try again", { onclick: retry }, "primary")] : []),
    );
}

// ---- Messages ----------------------------------------------------------------------------------------

// A message for a while. action: { words, run } adds a button; resolves when it is gone: true where the
// button was pressed. It stays while the pointer or the focus is on it.
export function toast(text, { action = null, ms = 5000 } = {}) {
    const place = document.getElementById("toasts");
    return new Promise((resolve) => {
        let left = ms,
            since = 0,
            timer = 0;
        const end = (pressed) => {
            clearTimeout(timer);
            box.remove();
            resolve(pressed);
        };
        const hold = () => {
            clearTimeout(timer);
            if (since) left -= performance.now() - since;
            since = 0;
        };
        const go = () => {
            hold();
            since = performance.now();
            timer = setTimeout(() => end(false), Math.max(left, 1000));
        };
        const box = h(
            "div.toast",
            { onmouseenter: hold, onmouseleave: go, onfocusin: hold, onfocusout: go },
            h("p", null, text),
            action ? h("button", { type: "button", onclick: () => end(true) }, action) : null,
        );
        while (place.children.length > 2) place.firstChild.remove();
        place.append(box);
        announce(text);
        go();
    });
}
export const toastFault = (error) => {
    if (error.name !== "AbortError") toast(say(error), { ms: 8000 });
};

// ---- Undo ----------------------------------------------------------------------------------------------

// What was asked for and is not done yet, because it can still be undone.
const pending = new Set();

// Takes something away at once on the page, and on the server when nobody has pressed Undo for a while,
// or when the page goes. away() hides it, back() shows it again, run(keepalive) asks the server.
export async function undoable(text, { away, back, run, ms = 7000 }) {
    const job = { run, gone: false };
    pending.add(job);
    away();
    const undone = await toast(text, { action: "Undo", ms });
    pending.delete(job);
    if (undone) {
        back();
        announce("Undone");
        return;
    }
    if (job.gone) return;
    try {
        await run(false);
    } catch (error) {
        back();
        toastFault(error);
    }
}
function finish() {
    for (const job of pending) {
        job.gone = true;
        job.run(true).catch(() => {});
    }
    pending.clear();
}
addEventListener("pagehide", finish);

// Whether something is taken away on this page already (lists leave it out when they load again).
const hidden = new Set();
export const hide = (what) => hidden.add(what);
export const show = (what) => hidden.delete(what);
export const isHidden = (what) => hidden.has(what);

// ---- Dialogs ---------------------------------------------------------------------------------------------

// A dialog with a form. body(close) gives its children; close(value) ends it. Resolves to the value, or to
// undefined where it was left. The focus goes back to where it was.
export function dialog(title, body, { look = "", onsubmit = null } = {}) {
    return new Promise((resolve) => {
        let value;
        const before = document.activeElement,
            name = freshId("dialog");
        const close = (x) => {
            value = x;
            box.close();
        };
        const box = h(`dialog${look ? `.${look}` : ""}`, {
            "aria-labelledby": name,
            onclose: () => {
                box.remove();
                before?.focus?.();
                resolve(value);
            },
            onclick: (e) => {
                if (e.target === box) box.close();
            },
        });
        const inner = h(
            "form",
            {
                method: "dialog",
                novalidate: true,
                onsubmit: (e) => {
                    e.preventDefault();
                    onsubmit?.(close);
                },
            },
            h("h2", { id: name }, title),
        );
        add(inner, body(close, inner));
        box.append(inner);
        document.body.append(box);
        box.showModal();
    });
}

export const actions = (...buttons) => h("div.actions", null, buttons);

// Asks before something that cannot be undone. word: what has to be typed, for what is worst.
export function confirm(title, words, verb, { danger = true, word = null } = {}) {
    const typed = h("input", { autocomplete: "off", id: freshId("word") });
    const go = h(
        `button.button.${danger ? "solid-danger" : "primary"}`,
        { type: "submit", disabled: word !== null },
        verb,
    );
    if (word)
        typed.addEventListener("input", () => {
            go.disabled = typed.value.trim() !== word;
        });
    return dialog(
        title,
        (close) => [
            h("p", null, words),
            word
                ? h(
                      "div.field",
                      null,
                      h("label", { for: typed.id }, "Type ", h("strong", null, word), " to go on"),
                      typed,
                  )
                : null,
            actions(button("Cancel", { onclick: () => close() }), go),
        ],
        { onsubmit: (close) => close(true) },
    );
}

// ---- Fields -------------------------------------------------------------------------------------------------

// A labeled field; fail(text) shows what is wrong with it, fail("") that nothing is.
export function field(label, input, hint = null) {
    input.id ||= freshId("field");
    const wrong = h("p.fault", { id: `${input.id}-fault`, hidden: true });
    const below = hint ? h("p.hint", { id: `${input.id}-hint` }, hint) : null;
    input.setAttribute("aria-describedby", [below?.id, wrong.id].filter(Boolean).join(" "));
    const box = h("div.field", null, h("label", { for: input.id }, label), input, below, wrong);
    box.fail = (text) => {
        wrong.textContent = text;
        wrong.hidden = !text;
        if (text) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
        if (text) input.focus();
    };
    return box;
}

// One of several, as buttons; choices: [value, words, picture].
export function segments(label, choices, chosen, onchange) {
    const box = h("div.segments", { role: "group", "aria-label": label });
    for (const [value, words, picture] of choices)
        box.append(
            h(
                "button",
                {
                    type: "button",
                    "aria-pressed": String(value === chosen),
                    onclick: (e) => {
                        for (const other of box.children)
                            other.setAttribute("aria-pressed", String(other === e.currentTarget));
                        onchange(value);
                    },
                },
                picture ? icon(picture) : null,
                words,
            ),
        );
    return box;
}

// A table, which phones show as a list. columns: [words, kind], where kind is "number", or "end" for what can be done
// with a row. add(rows) appends rows, each a list of cells.
export function table(columns) {
    const body = h("tbody");
    const head = columns.map(([words, kind]) =>
        kind === "end" ? h("th", null, h("span.sr-only", null, words)) : h(kind ? `th.${kind}` : "th", null, words),
    );
    const cell = (content, [words, kind]) =>
        h(kind ? `td.${kind}` : "td", kind === "end" ? null : { "data-label": words }, content);
    return {
        element: h("table.table", null, h("thead", null, h("tr", null, head)), body),
        add: (rows) => add(body, rows.map((cells) => h("tr", null, cells.map((x, i) => cell(x, columns[i]))))),
        clear: () => body.replaceChildren(),
    };
}

// A button is busy while work() runs; faults become messages unless they are handled there.
export async function busy(element, work) {
    element.setAttribute("aria-busy", "true");
    element.disabled = true;
    try {
        return await work();
    } catch (error) {
        toastFault(error);
    } finally {
        element.removeAttribute("aria-busy");
        element.disabled = false;
    }
}
