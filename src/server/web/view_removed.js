// People who were deleted and can still be brought back.
import { call, pages, paths } from "./api.js";
import { fill, h, plural, when } from "./dom.js";
import { busy, button, confirm, empty, fault, heading, page, show, toast, waiting } from "./ui.js";
import { forgetPeople } from "./view_people.js";

export async function removedView(root, { signal, role }) {
    const place = h("div", null, waiting());
    page(
        root,
        heading("Recently deleted", "Deleted people can be restored until they are forgotten."),
        place,
    ).classList.add("narrow");

    const todo = (person) => [
        button(
            "Restore",
            {
                onclick: (e) =>
                    busy(e.currentTarget, async () => {
                        await call("POST", paths.restore(person.id), {});
                        show(`person ${person.id}`);
                        forgetPeople();
                        toast(`${person.name} is back`);
                        await load();
                    }),
            },
            "compact",
        ),
        button(
            "Forget now",
            {
                onclick: async (e) => {
                    const mine = e.currentTarget;
                    if (!(await confirm(`Forget ${person.name}?`, "This cannot be undone.", "Forget for good")))
                        return;
                    await busy(mine, () => call("DELETE", paths.removedPerson(person.id)));
                    await load();
                },
            },
            "compact danger",
        ),
    ];
    const row = ({ person, forgotten_at }) =>
        h(
            "li",
            null,
            h(
                "div.grow",
                null,
                h("p.name", null, person.name),
                h("p.small.muted", null, `${plural(person.face_count, "photo")}, forgotten on ${when(forgotten_at)}`),
            ),
            role === "reader" ? null : todo(person),
        );

    async function load() {
        try {
            const all = [];
            await pages(paths.removed, "removed", (more) => all.push(...more), signal);
            fill(
                place,
                all.length
                    ? h("ul.rows.card", { role: "list" }, all.map(row))
                    : empty("trash", "Nothing here", "Whoever is deleted stays here for a while."),
            );
        } catch (error) {
            if (!signal.aborted) fill(place, fault(error, load));
        }
    }
    await load();
}
