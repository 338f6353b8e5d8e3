// Long work of the server: it is begun, watched, shown and can be stopped.
import { call, collection, get } from "./api.js";
import { announce, fill, h, span, wait } from "./dom.js";
import { button } from "./ui.js";

const ENDED = new Set(["done", "failed", "cancelled", "interrupted"]);

// Begins a job of a kind for this collection.
export const beginJob = async (kind, more = {}) =>
    (await call("POST", "/v1/jobs", { json: { kind, collection: collection(), ...more } })).job;

// The newest job of a kind in this collection; null = there was none.
export async function newestJob(kind, signal) {
    const { jobs } = await get("/v1/jobs?limit=100", { signal });
    return jobs.find((job) => job.kind === kind && (!job.collection || job.collection === collection())) ?? null;
}

// Shows a job's progress in a place until it has ended, and gives it back as it ended.
export async function watchJob(place, job, words, signal) {
    const bar = h("progress", { max: "1", "aria-label": words });
    const left = h("p.small.muted");
    fill(
        place,
        h(
            "div.card.stack",
            null,
            h(
                "div.row.apart",
                null,
                h("h2", null, words),
                button(
                    "Stop",
                    { icon: "stop", onclick: () => call("DELETE", `/v1/jobs/${job.id}`).catch(() => {}) },
                    "compact",
                ),
            ),
            bar,
            left,
        ),
    );
    for (let pause = 150; !ENDED.has(job.state); pause = Math.min(pause * 1.4, 1500)) {
        if (job.progress === null) bar.removeAttribute("value");
        else bar.value = job.progress;
        left.textContent =
            job.state === "waiting"
                ? "Waits for other work"
                : [
                      job.total ? `${job.done.toLocaleString("en")} of ${job.total.toLocaleString("en")}` : "",
                      job.seconds_left > 2 ? `about ${span(job.seconds_left)} left` : "",
                  ]
                      .filter(Boolean)
                      .join(", ") || "Running";
        await wait(pause, signal);
        ({ job } = await get(`/v1/jobs/${job.id}`, { signal }));
    }
    place.replaceChildren();
    announce(job.state === "done" ? `${words}: done` : `${words}: ${job.error ?? job.state}`);
    return job;
}
