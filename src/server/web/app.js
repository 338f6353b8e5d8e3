// The page as a whole: signing in, navigation, which view is shown, and the connection.
import { can, describe, events, get, isLost, key, say, setKey } from "./api.js";
import { add, announce, fill, h, icon } from "./dom.js";
import { forgetAllPictures } from "./faces.js";
import { learnLimits } from "./pictures.js";
import { dialog, empty, fault, field, heading, linkButton, notice, page, toastFault } from "./ui.js";
import { compareView } from "./view_compare.js";
import { duplicatesView } from "./view_duplicates.js";
import { enrollView } from "./view_enroll.js";
import { identifyView } from "./view_identify.js";
import { monitorsView } from "./view_monitors.js";
import { forgetPeople, peopleView } from "./view_people.js";
import { personView } from "./view_person.js";
import { removedView } from "./view_removed.js";
import { auditView, keysView, systemView } from "./view_server.js";
import { setTheme, settingsView } from "./view_settings.js";
import { groupView, unknownView } from "./view_unknown.js";

const PEOPLE = "/v1/collections/{collection}";
// What can be shown: path, view, and for the navigation: group, words, picture, the operation that it
// needs, the least role, and whether a phone shows it at the thumb.
const VIEWS = [
    { path: "people", view: peopleView, group: "People", words: "People", picture: "people", thumb: true },
    { path: "people/:id", view: personView, words: "Person", of: "people" },
    { path: "removed", view: removedView, words: "Recently deleted", of: "people" },
    {
        path: "enroll",
        view: enrollView,
        group: "People",
        words: "Enroll",
        picture: "enroll",
        role: "enroller",
        thumb: true,
    },
    {
        path: "unknown",
        view: unknownView,
        group: "People",
        words: "Unknown",
        picture: "unknown",
        needs: ["GET", `${PEOPLE}/unknown`],
    },
    { path: "unknown/:id", view: groupView, words: "Unknown face", of: "unknown" },
    {
        path: "duplicates",
        view: duplicatesView,
        group: "People",
        words: "Duplicates",
        picture: "duplicates",
        role: "enroller",
        needs: ["POST", "/v1/jobs"],
    },
    { path: "identify", view: identifyView, group: "Recognize", words: "Identify", picture: "identify", thumb: true },
    { path: "compare", view: compareView, group: "Recognize", words: "Compare", picture: "compare" },
    {
        path: "monitors",
        view: monitorsView,
        group: "Recognize",
        words: "Monitors",
        picture: "monitors",
        thumb: true,
        needs: ["GET", "/v1/monitors"],
    },
    {
        path: "keys",
        view: keysView,
        group: "Server",
        words: "Keys",
        picture: "keys",
        role: "admin",
        needs: ["GET", "/v1/keys"],
    },
    {
        path: "audit",
        view: auditView,
        group: "Server",
        words: "Audit",
        picture: "audit",
        role: "admin",
        needs: ["GET", "/v1/audit"],
    },
    { path: "system", view: systemView, group: "Server", words: "System", picture: "system" },
    { path: "settings", view: settingsView, group: "Server", words: "Settings", picture: "settings" },
];
const LEVEL = { reader: 1, enroller: 2, admin: 3 };

const root = document.getElementById("app");
let role = "admin",
    needsKey = true,
    main = null,
    current = null;

const mayShow = (v) => (!v.role || LEVEL[role] >= LEVEL[v.role]) && (!v.needs || can(...v.needs));

// ---- Signing in ----------------------------------------------------------------------------------------------

// Who the key belongs to; 404 and 501: a server that does not tell, which then refuses what is not allowed.
async function learnRole(secret) {
    if (!can("GET", "/v1/keys/current")) {
        await get("/v1/system", { key: secret });
        return "admin";
    }
    try {
        return (await get("/v1/keys/current", { key: secret })).role;
    } catch (error) {
        if (error.status !== 404 && error.status !== 501) throw error;
        return "admin";
    }
}

function signInPage(words = "") {
    current?.abort();
    document.title = "Sign in – facet";
    const secret = h("input", { type: "password", autocomplete: "current-password", name: "key", spellcheck: "false" });
    const box = field(
        "API key",
        secret,
        "It begins with fct_. The server printed one at its first start; administrators make others.",
    );
    const go = h("button.button.primary", { type: "submit" }, "Sign in");
    const form = h(
        "form",
        {
            onsubmit: async (e) => {
                e.preventDefault();
                const text = secret.value.trim();
                if (!text) return box.fail("Enter a key.");
                go.disabled = true;
                try {
                    role = await learnRole(text);
                    setKey(text);
                    await start(true);
                } catch (error) {
                    box.fail(
                        error.status === 401
                            ? "The server does not know this key. Check that it was copied completely."
                            : error.status === 429
                              ? "Too many wrong keys came from this address. Wait a minute, then try again."
                              : say(error),
                    );
                } finally {
                    go.disabled = false;
                }
            },
        },
        h("div.brand", null, h("img", { src: iconUrl, alt: "" }), h("span", null, "facet")),
        h("h1", null, "Sign in"),
        words ? notice("warn", "info", words) : null,
        box,
        go,
    );
    fill(root, h("div.signin", null, h("main", { id: "main", tabindex: "-1" }, h("div.card", null, form))));
    secret.focus();
}
const iconUrl = document.querySelector('link[rel="icon"]').href;

function signOut(words) {
    setKey(null);
    forgetPeople();
    forgetAllPictures();
    for (const open of document.querySelectorAll("dialog")) open.close();
    signInPage(words);
}
events.addEventListener("signedout", () => {
    if (key() !== null) signOut("Your key is not valid any more. Sign in with another one.");
});

// ---- The frame ------------------------------------------------------------------------------------------------

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;
function toggleTheme() {
    const dark = (document.documentElement.dataset.theme ?? (isDark() ? "dark" : "light")) === "dark";
    setTheme(dark ? "light" : "dark");
    announce(dark ? "Light theme" : "Dark theme");
}

const navLink = (v, rare) =>
    h(
        `a.item${rare ? ".rare" : ""}`,
        { href: `#/${v.path}`, "data-path": v.path },
        icon(v.picture),
        h("span", null, v.words),
    );
const themeButton = () =>
    h("button.item", { type: "button", onclick: toggleTheme }, icon("moon"), h("span", null, "Theme"));
const outButton = () =>
    needsKey
        ? h("button.item", { type: "button", onclick: () => signOut() }, icon("exit"), h("span", null, "Sign out"))
        : null;

// On a phone: everything that has no place at the thumb.
function showMore(shown) {
    dialog("More", (close) => {
        const list = h("nav.sheet", { "aria-label": "More pages" });
        add(
            list,
            shown
                .filter((v) => !v.thumb)
                .map((v) => {
                    const link = navLink(v);
                    link.addEventListener("click", () => close());
                    return link;
                }),
        );
        const out = outButton();
        out?.addEventListener("click", () => close());
        return [list, h("div.sheet", null, themeButton(), out)];
    });
}

function frame() {
    const shown = VIEWS.filter((v) => v.group && mayShow(v));
    const nav = h(
        "nav.nav",
        { "aria-label": "Pages" },
        h("a.brand", { href: "#/people" }, h("img", { src: iconUrl, alt: "" }), h("span", null, "facet")),
    );
    for (const group of new Set(shown.map((v) => v.group)))
        nav.append(
            h(
                "div.group",
                { role: "group", "aria-label": group },
                h("h2", { "aria-hidden": "true" }, group),
                shown.filter((v) => v.group === group).map((v) => navLink(v, !v.thumb)),
            ),
        );
    nav.append(
        h(
            "button.item.more",
            { type: "button", onclick: () => showMore(shown), "aria-haspopup": "dialog" },
            icon("more"),
            h("span", null, "More"),
        ),
        h("div.foot", null, themeButton(), outButton()),
    );
    main = h("main", { id: "main", tabindex: "-1" });
    fill(root, h("div.frame", null, nav, h("div", null, h("div", { id: "banner" }), main)));
    if (isLost()) showLost();
}

// ---- Views ---------------------------------------------------------------------------------------------------

// The view for "#/people/7?x=1", with what stands in place of ":id".
function route() {
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const parts = path
        .split("/")
        .filter(Boolean)
        .map((p) => {
            try {
                return decodeURIComponent(p);
            } catch {
                return p;
            }
        });
    for (const v of VIEWS) {
        const wanted = v.path.split("/");
        if (wanted.length !== parts.length) continue;
        if (wanted.every((w, i) => w.startsWith(":") || w === parts[i]))
            return {
                view: v,
                params: parts.filter((_, i) => wanted[i].startsWith(":")),
                query: new URLSearchParams(query),
            };
    }
    return { view: null, params: [], query: new URLSearchParams(query) };
}

function setTitle(words) {
    document.title = `${words} – facet`;
}

async function showView(moved) {
    if (!main?.isConnected) return;
    current?.abort();
    const mine = (current = new AbortController());
    const { view, params, query } = route();
    const place = h("div");
    if (moved) scrollTo(0, 0);
    fill(main, place);
    for (const link of document.querySelectorAll("nav .item[data-path]")) {
        const here = view && (link.dataset.path === view.path || link.dataset.path === view.of);
        if (here) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    const thumb = VIEWS.find((v) => v.path === (view?.of ?? view?.path))?.thumb;
    document.querySelector("nav .more")?.classList.toggle("here", !!view && !thumb);
    setTitle(view?.words ?? "Not there");
    place.style.display = "contents";
    if (!view || !mayShow(view)) {
        page(
            place,
            heading("Not there"),
            empty(
                "info",
                "There is no such page",
                view
                    ? "Your key may not see it, or this server cannot do it."
                    : "The address is not one of this page’s.",
                linkButton("Show the people", "#/people", "primary"),
            ),
        );
        return;
    }
    const done = view.view(place, { params, query, signal: mine.signal, role, title: setTitle });
    if (moved) {
        const first = () => place.querySelector("h1");
        (first() ?? main).focus({ preventScroll: true });
        announce(view.words);
    }
    try {
        await done;
    } catch (error) {
        if (mine.signal.aborted) return;
        if (place.querySelector(".page")) toastFault(error);
        else
            fill(
                place,
                fault(error, () => showView(false)),
            );
    }
}

// ---- The connection --------------------------------------------------------------------------------------------

function showLost() {
    const banner = document.getElementById("banner");
    if (banner)
        fill(
            banner,
            h(
                "div.banner",
                { role: "alert" },
                h("span.spinner"),
                "The connection to the server is lost. Trying again…",
            ),
        );
}
events.addEventListener("lost", showLost);
events.addEventListener("back", () => {
    const banner = document.getElementById("banner");
    if (!banner) return;
    banner.replaceChildren();
    announce("Connected again");
    if (main?.querySelector(".empty, .waiting")) showView(false);
});

// ---- The beginning -----------------------------------------------------------------------------------------------

async function start(moved) {
    await learnLimits();
    frame();
    if (!location.hash || location.hash === "#") history.replaceState(null, "", "#/people");
    await showView(moved);
}

document.querySelector(".skip").addEventListener("click", (e) => {
    e.preventDefault();
    document.getElementById("main")?.focus();
});
addEventListener("hashchange", () => showView(true));
addEventListener("facet:collection", () => forgetPeople());

async function begin() {
    try {
        const health = await get("/v1/health");
        needsKey = health.auth_enabled;
        await describe();
        if (needsKey && key() === null) return signInPage();
        if (needsKey) role = await learnRole(key());
        await start(false);
    } catch (error) {
        if (error.status === 401) return signInPage("Your key is not valid any more. Sign in with another one.");
        fill(root, h("main", { id: "main", tabindex: "-1" }, fault(error, begin)));
        events.addEventListener("back", begin, { once: true });
    }
}
begin();
