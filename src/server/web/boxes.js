// Boxes and names over a picture or a video, and the list of who was found.
import { cosine, h, plural, s } from "./dom.js";

// Draws over a picture of width x height pixels. found: the answer's faces; mirrored: as the video is shown.
export function drawBoxes(layer, tags, found, width, height, mirrored = false) {
    layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
    layer.replaceChildren();
    tags.replaceChildren();
    for (const [i, { face, matches }] of found.entries()) {
        const b = face.bbox.pixels,
            best = matches[0];
        const x = mirrored ? width - b.x - b.width : b.x;
        layer.append(
            s(
                `g.${best ? "known" : "unknown"}`,
                null,
                s("rect", { x, y: b.y, width: b.width, height: b.height, rx: Math.max(b.width * 0.06, 2) }),
            ),
        );
        const tag = h(
            `span.tag${best ? "" : ".unknown"}`,
            null,
            best ? best.person.name : found.length > 1 ? `Unknown ${i + 1}` : "Unknown",
        );
        tag.style.left = `${Math.min(Math.max(x / width, 0), 0.9) * 100}%`;
        tag.style.top = `${Math.min((b.y + b.height) / height, 0.94) * 100}%`;
        tags.append(tag);
    }
}
export const newLayer = () => s("svg.boxes", { preserveAspectRatio: "none", "aria-hidden": "true" });

// How alike, as a bar with a mark at the threshold. Cosines from 0 to 1 are shown; less is as good as 0.
export function scoreBar(value, threshold) {
    const at = (x) => `${Math.max(0, Math.min(1, x)) * 100}%`;
    return h(
        `div.score${value >= threshold ? "" : ".low"}`,
        { role: "img", "aria-label": `Similarity ${cosine(value)}, threshold ${cosine(threshold)}` },
        h(
            "span.track",
            null,
            h("span.fill", { vars: { "--at": at(value) } }),
            h("span.mark", { vars: { "--at": at(threshold) } }),
        ),
        h("span", null, cosine(value)),
    );
}

// What a hearer is told of a picture.
export function summary(found) {
    if (!found.length) return "No face was found.";
    const names = found.filter((f) => f.matches.length).map((f) => f.matches[0].person.name);
    const unknown = found.length - names.length;
    const who = names.length ? names.join(", ") : "";
    const parts = [who, unknown ? `${unknown} unknown` : ""].filter(Boolean);
    return `${plural(found.length, "face")}: ${parts.join(" and ")}.`;
}

// Names with their scores under a face, the likeliest first.
export function others(matches, threshold) {
    return h(
        "ul.rows.small",
        { role: "list" },
        matches.map((m) =>
            h(
                "li",
                null,
                h("a.grow", { href: `#/people/${m.person.id}` }, m.person.name),
                scoreBar(m.similarity, threshold),
            ),
        ),
    );
}
