// Two faces: one person or not, and how sure that is, on the scores of the gallery's own faces.
import { call, form, get, paths, say } from "./api.js";
import { announce, cosine, fill, freshId, h, plural } from "./dom.js";
import { histogram, legend, shareAbove } from "./histogram.js";
import { cut, decode, dropZone, refusal } from "./pictures.js";
import { shownThumb } from "./faces.js";
import { heading, notice, page, waiting } from "./ui.js";

// A share as words: "1 in 12,000", "98.2 %".
const rare = (x) =>
    x <= 0 ? "none of them" : x > 0.02 ? `${(x * 100).toFixed(1)} %` : `1 in ${Math.round(1 / x).toLocaleString("en")}`;
const percent = (x) => `${(x * 100).toFixed(1)} %`;

// What the scores of this gallery say about a threshold.
function explain(scores, threshold) {
    const wrong = shareAbove(scores, "impostor", threshold),
        right = shareAbove(scores, "genuine", threshold);
    const out = [];
    if (right !== null)
        out.push(
            `With ${cosine(threshold)}, ${percent(right)} of the pairs of one person in this gallery are recognized`,
        );
    if (wrong !== null)
        out.push(`${out.length ? "and of" : "Of"} the pairs of two people, ${rare(wrong)} would be taken for one`);
    return out.length ? `${out.join(", ")}.` : "";
}

// The threshold among the scores, with a slider to see what another one would do.
function scoresPart(scores, result) {
    const start = result?.threshold ?? scores.threshold,
        value = result?.similarity ?? null;
    const place = h("div"),
        words = h("p", { role: "status" });
    const slider = h("input", {
        type: "range",
        min: "-0.2",
        max: "0.9",
        step: "0.01",
        value: start,
        id: freshId("limit"),
        oninput: () => draw(Number(slider.value)),
    });
    function draw(threshold) {
        const text = explain(scores, threshold);
        const width = Math.max(280, place.clientWidth || 640);
        fill(place, histogram(scores, threshold, value, `Histogram of similarities. ${text}`, width));
        words.textContent = text;
        slider.setAttribute("aria-valuetext", cosine(threshold));
    }
    draw(start);
    new ResizeObserver(() => draw(Number(slider.value))).observe(place);
    return h(
        "section.card.stack",
        null,
        h("h2", null, "The threshold, on your own faces"),
        h(
            "p.muted",
            null,
            `Every face of this gallery was compared with every other one: ${plural(scores.genuine, "pair")} of ` +
                `one person and ${plural(scores.impostor, "pair")} of two. Where both hills meet, mistakes happen; ` +
                "the threshold divides them.",
        ),
        place,
        legend(),
        h("div.field", null, h("label", { for: slider.id }, "Try another threshold"), slider),
        words,
    );
}

export async function compareView(root, { signal }) {
    const files = [null, null],
        zones = [];
    const verdict = h("div", { "aria-live": "polite" }),
        below = h("div");
    let scores = null,
        result = null;

    function drawScores() {
        if (scores && scores.genuine + scores.impostor > 0) fill(below, scoresPart(scores, result));
        else if (scores)
            fill(
                below,
                notice("", "info", "Once a few people are enrolled, the threshold is explained here on their faces."),
            );
    }
    async function learn() {
        try {
            scores = await get(paths.scores, { signal });
            drawScores();
        } catch {
            /* the comparison works without */
        }
    }

    async function take(i, [file]) {
        const why = refusal(file, files[1 - i]?.size ?? 0);
        if (why) return fill(verdict, notice("bad", "warn", why));
        files[i] = file;
        const bitmap = await decode(file);
        const url = bitmap ? URL.createObjectURL(file) : null;
        if (url) signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
        zones[i].show(
            url ? h("img", { src: url, alt: `Picture ${i + 1}: ${file.name}` }) : h("p", null, file.name),
            file.name,
        );
        if (files[0] && files[1]) await compare();
    }

    async function compare() {
        fill(verdict, waiting("Comparing…"));
        try {
            result = await call("POST", "/v1/compare", {
                form: form([
                    ["source", files[0]],
                    ["target", files[1]],
                ]),
                signal,
            });
        } catch (error) {
            if (!signal.aborted) fill(verdict, notice("bad", "warn", say(error)));
            return;
        }
        const far = Math.abs(result.similarity - result.threshold) > 0.12;
        const words = result.matched ? "The same person" : "Two different people";
        const thumbs = await Promise.all(
            [
                [files[0], result.source_face],
                [files[1], result.target_face],
            ].map(async ([file, face]) => {
                const bitmap = await decode(file);
                return shownThumb(bitmap ? cut(bitmap, face.bbox.pixels, 0.25, 200) : null, "m");
            }),
        );
        fill(
            verdict,
            h(
                "section.card",
                null,
                h(
                    "div.verdict",
                    null,
                    thumbs,
                    h(`div.grow${result.matched ? ".matched" : ""}`, null, h("p.big", null, cosine(result.similarity))),
                    h(
                        "div.grow",
                        null,
                        h(
                            "h2",
                            null,
                            far ? words : `${result.matched ? "Probably the same person" : "Probably two people"}`,
                        ),
                        h(
                            "p.muted",
                            null,
                            `${result.matched ? "At least" : "Below"} the threshold of ${cosine(result.threshold)}` +
                                `${far ? "" : ", but close to it: look yourself"}.`,
                        ),
                    ),
                ),
            ),
        );
        announce(`${words}, similarity ${cosine(result.similarity)}`);
        drawScores();
    }

    for (const i of [0, 1])
        zones.push(
            dropZone({
                title: i ? "Second picture" : "First picture",
                words: "Drop or choose it.",
                label: i ? "Choose the second" : "Choose the first",
                take: (list) => take(i, list),
                signal,
                paste: false,
            }),
        );
    addEventListener(
        "paste",
        (e) => {
            const pasted = [...(e.clipboardData?.files ?? [])];
            if (pasted.length) take(files[0] ? 1 : 0, pasted);
        },
        { signal },
    );
    page(
        root,
        heading("Compare", "Whether the largest faces of two pictures belong to one person. Nothing is stored."),
        h(
            "div.two.pair",
            null,
            zones.map((z) => z.element),
        ),
        verdict,
        below,
    );
    await learn();
}
