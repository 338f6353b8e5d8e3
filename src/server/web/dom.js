// Elements made without HTML text, so that no name of a person can ever become markup.
import { SHAPES } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

// Sets what an element is made with: onX are listeners, "vars" custom properties, true an attribute
// without a value; null and false leave an attribute out.
function set(element, name, value) {
    if (value === null || value === undefined || value === false) return;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [key, x] of Object.entries(value)) element.style.setProperty(key, x);
    else if (name === "value" || name === "checked" || name === "srcObject") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
}

function build(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes ?? {})) set(element, name, value);
    add(element, children);
    return element;
}

// Adds children: nodes, texts, and lists of them; nothing for null and false.
export function add(element, children) {
    for (const child of [children].flat(9)) {
        if (child === null || child === undefined || child === false) continue;
        element.append(child);
    }
    return element;
}

// h("button.button.primary", { onclick }, "Save"): the tag with its classes, attributes, children.
export function h(tag, attributes, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElement(name);
    if (classes.length) element.className = classes.join(" ");
    return build(element, attributes, children);
}

// The same for what is drawn.
export function s(tag, attributes, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElementNS(SVG, name);
    if (classes.length) element.setAttribute("class", classes.join(" "));
    return build(element, attributes, children);
}

// A picture that means what the words beside it say, and is silent for whoever hears the page.
export function icon(name, size = "") {
    const drawn = s(size ? `svg.icon.${size}` : "svg.icon", { viewBox: "0 0 24 24", "aria-hidden": "true" });
    for (const d of SHAPES[name] ?? []) drawn.append(s("path", { d }));
    return drawn;
}

export function fill(element, ...children) {
    element.replaceChildren();
    return add(element, children);
}

let numbers = 0;
export const freshId = (word) => `${word}-${++numbers}`;

// Says something to whoever hears the page rather than sees it.
export function announce(text) {
    const live = document.getElementById("live");
    live.textContent = "";
    setTimeout(() => {
        live.textContent = text;
    }, 60);
}

export const plural = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export function bytes(n) {
    const units = ["bytes", "kB", "MB", "GB", "TB"];
    let i = 0;
    while (n >= 1000 && i < units.length - 1) {
        n /= 1024;
        i++;
    }
    return `${i && n < 100 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export function when(text) {
    const date = new Date(text);
    if (!text || Number.isNaN(date.getTime())) return "—";
    return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

export function day(text) {
    const date = new Date(text);
    return !text || Number.isNaN(date.getTime()) ? "—" : date.toLocaleDateString(undefined, { dateStyle: "medium" });
}

export function span(seconds) {
    const steps = [
        [86400, "day"],
        [3600, "hour"],
        [60, "minute"],
    ];
    for (const [length, word] of steps) if (seconds >= length) return plural(Math.floor(seconds / length), word);
    return plural(Math.floor(seconds), "second");
}

// 0.4312 as people read it.
export const cosine = (x) => x.toFixed(2);

export const wait = (ms, signal) =>
    new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener(
            "abort",
            () => {
                clearTimeout(timer);
                reject(signal.reason);
            },
            { once: true },
        );
    });
