// Dialogs that ask who somebody is.
import { fill, h } from "./dom.js";
import { forgetPortrait } from "./faces.js";
import { actions, busy, button, dialog, toast } from "./ui.js";
import { forgetPeople, personField } from "./view_people.js";

// Asks whose faces these are, by a known name or a new one. give({ person_id } or { name }, name) gives them away
// and resolves to { person, words, after }: who has them now, what is said then, and what is to follow.
export function giveFaces({ title, label, hint = null, except = null, thumbs, verb, give }) {
    let known = null;
    const who = personField(label, {
        except,
        hint,
        onpick: (p) => {
            known = p;
        },
    });
    const go = h("button.button.primary", { type: "submit" }, verb);
    return dialog(
        title,
        (close) => [
            h("div.strip", null, thumbs),
            who.element,
            actions(button("Cancel", { onclick: () => close() }), go),
        ],
        {
            onsubmit: (close) => {
                const name = who.input.value.trim();
                if (!name) return who.input.focus();
                return busy(go, async () => {
                    const { person, words, after } = await give(known ? { person_id: known.id } : { name }, name);
                    close();
                    forgetPeople();
                    forgetPortrait(person.id);
                    after();
                    if (await toast(words, { action: "Show" })) location.hash = `#/people/${person.id}`;
                });
            },
        },
    );
}

// Asks for somebody who is enrolled. show(person), where it is given, fills what is shown once somebody is chosen;
// run(person) does what is to be done and resolves to { words, after }.
export function choosePerson({ title, words, label, except = null, verb, show = null, run }) {
    let chosen = null;
    const shown = h("div.pair-card", { hidden: true });
    const go = h("button.button.primary", { type: "submit", disabled: true }, verb);
    const who = personField(label, {
        except,
        onpick: (p) => {
            chosen = p;
            go.disabled = !p;
            shown.hidden = !p || !show;
            if (p && show) fill(shown, show(p));
        },
    });
    return dialog(
        title,
        (close) => [
            h("p.muted", null, words),
            who.element,
            shown,
            actions(button("Cancel", { onclick: () => close() }), go),
        ],
        {
            onsubmit: (close) =>
                chosen &&
                busy(go, async () => {
                    const { words: said, after } = await run(chosen);
                    close();
                    toast(said);
                    after?.();
                }),
        },
    );
}
