// Runs before the first paint, so that a page in the chosen theme never flashes in the other one.
(() => {
    let chosen = null;
    try {
        chosen = localStorage.getItem("facet.theme");
    } catch {
        // Storage may be forbidden; the system's theme is used then.
    }
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
