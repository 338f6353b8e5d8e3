// How alike the faces of the gallery are, drawn: pairs of one person, pairs of two, the threshold between
// them, and where one comparison lies.
import { cosine, h, s } from "./dom.js";

const HEIGHT = 240,
    LEFT = 8,
    RIGHT = 8,
    TOP = 28,
    BOTTOM = 28,
    LOW = -0.4,
    HIGH = 1;

const base = HEIGHT - BOTTOM;
const within = (value) => (Math.max(LOW, Math.min(HIGH, value)) - LOW) / (HIGH - LOW);

// The outline of one kind of pair: shares by bin, each kind drawn to the same height, since there are
// always far more pairs of two people.
function area(bins, kind, look, x) {
    const most = Math.max(...bins.map((b) => b[kind]), 1);
    const points = bins
        .filter((b) => b.to > LOW)
        .map((b) => {
            const y = base - (b[kind] / most) * (base - TOP);
            return `L${x(b.from).toFixed(1)} ${y.toFixed(1)}L${x(b.to).toFixed(1)} ${y.toFixed(1)}`;
        });
    return s(`path.${look}`, { d: `M${x(LOW)} ${base}${points.join("")}L${x(HIGH)} ${base}Z` });
}

// Words beside a vertical line, on the side where there is room.
function beside(value, y, text, look, x) {
    const right = value < 0.62;
    return s(`text.${look}`, { x: x(value) + (right ? 8 : -8), y, "text-anchor": right ? "start" : "end" }, text);
}

// scores: the server's answer; value: the comparison, or null; words: what is drawn, for hearers; width: of
// the place where it is drawn, so that its words are as large as others.
export function histogram(scores, threshold, value, words, width) {
    const x = (score) => LEFT + within(score) * (width - LEFT - RIGHT);
    const drawn = s("svg.histogram", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": words });
    drawn.append(
        area(scores.bins, "impostor", "other", x),
        area(scores.bins, "genuine", "same", x),
        s("line.axis", { x1: LEFT, x2: width - RIGHT, y1: base, y2: base }),
    );
    for (let tick = -0.4; tick < 1.01; tick += 0.2) {
        const first = tick < -0.39,
            last = tick > 0.99;
        drawn.append(
            s(
                "text",
                { x: x(tick), y: HEIGHT - 8, "text-anchor": first ? "start" : last ? "end" : "middle" },
                tick.toFixed(1).replace("-0.0", "0.0"),
            ),
        );
    }
    drawn.append(
        s("line.limit", { x1: x(threshold), x2: x(threshold), y1: TOP - 16, y2: base }),
        beside(threshold, TOP - 8, `threshold ${cosine(threshold)}`, "quiet", x),
    );
    if (value !== null)
        drawn.append(
            s("path.here", { d: `M${x(value)} ${base}l-7 12h14z` }),
            s("line", { x1: x(value), x2: x(value), y1: TOP + 8, y2: base, stroke: "currentColor", "stroke-width": 2 }),
            beside(value, TOP + 20, `these two ${cosine(value)}`, "strong", x),
        );
    return drawn;
}

export const legend = () =>
    h(
        "ul.legend",
        { role: "list" },
        h("li", null, h("i"), "pairs of one person"),
        h("li", null, h("i.other"), "pairs of two people"),
        h("li", null, h("i.limit"), "threshold"),
    );

// The share of pairs of a kind at or above a threshold, from the bins; null where there are none.
export function shareAbove(scores, kind, threshold) {
    const all = scores[kind];
    if (!all) return null;
    let above = 0;
    for (const b of scores.bins) {
        if (b.from >= threshold) above += b[kind];
        else if (b.to > threshold) above += (b[kind] * (b.to - threshold)) / (b.to - b.from);
    }
    return above / all;
}
