// A grid of many cards of which only those near the window exist: 10,000 people scroll like 10.
import { h } from "./dom.js";

const GAP_X = 16,
    GAP_Y = 20,
    WORDS = 52,
    SPARE_ROWS = 2;

// card(i) makes the element of item i, which can be focused; opts.least: the least width of one. Returns
// { element, update(count, keepCards), focus(i), destroy }. Arrow keys, Home, End and Page keys move within it.
export function virtualGrid({ card, label, least = 112 }) {
    const list = h("ul", { role: "list", "aria-label": label });
    const element = h("div.virtual", null, list);
    const made = new Map(); // index: <li>
    let count = 0,
        columns = 1,
        rowHeight = 1,
        active = 0,
        frame = 0;

    function measure() {
        const width = element.clientWidth;
        if (!width) return;
        const narrow = width < 480;
        const size = narrow ? 92 : least;
        columns = Math.max(2, Math.floor((width + GAP_X) / (size + GAP_X)));
        rowHeight = (width - (columns - 1) * GAP_X) / columns + WORDS + GAP_Y;
        list.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
        element.style.height = `${Math.max(0, Math.ceil(count / columns) * rowHeight - GAP_Y)}px`;
    }

    function make(i) {
        const inner = card(i);
        inner.tabIndex = i === active ? 0 : -1;
        inner.addEventListener("focus", () => setActive(i));
        const item = h(
            "li",
            { "aria-setsize": String(count), "aria-posinset": String(i + 1), role: "listitem" },
            inner,
        );
        made.set(i, item);
        return item;
    }

    // Puts the cards of the visible rows into the list, in order, and takes the others out.
    function draw() {
        frame = 0;
        const top = -element.getBoundingClientRect().top;
        const first = Math.max(0, Math.floor(top / rowHeight) - SPARE_ROWS);
        const last = Math.ceil((top + innerHeight) / rowHeight) + SPARE_ROWS;
        const from = Math.min(first * columns, count),
            to = Math.max(from, Math.min(count, last * columns));
        const focused = list.contains(document.activeElement) ? active : -1;
        for (const [i, item] of made)
            if ((i < from || i >= to) && i !== focused) {
                item.remove();
                made.delete(i);
            }
        list.style.transform = `translateY(${first * rowHeight}px)`;
        let place = list.firstChild;
        for (let i = from; i < to; i++) {
            const item = made.get(i) ?? make(i);
            if (item === place) place = place.nextSibling;
            else list.insertBefore(item, place);
        }
        // A focused card outside the window stays, unseen, so that the focus is not lost.
        const stray = made.get(focused);
        if (stray) stray.hidden = focused < from || focused >= to;
    }
    const soon = () => {
        frame ||= requestAnimationFrame(draw);
    };

    function setActive(i) {
        if (i === active) return;
        const inner = (x) => made.get(x)?.firstChild;
        if (inner(active)) inner(active).tabIndex = -1;
        active = i;
        if (inner(i)) inner(i).tabIndex = 0;
    }

    function focus(i) {
        const row = Math.floor(i / columns),
            at = element.getBoundingClientRect().top + scrollY + row * rowHeight;
        if (at < scrollY + 80) scrollTo({ top: Math.max(0, at - 80) });
        else if (at + rowHeight > scrollY + innerHeight - 80) scrollTo({ top: at + rowHeight - innerHeight + 80 });
        setActive(i);
        draw();
        made.get(i)?.firstChild.focus({ preventScroll: true });
    }

    element.addEventListener("keydown", (e) => {
        const page = columns * Math.max(1, Math.floor(innerHeight / rowHeight) - 1);
        const step = {
            ArrowRight: 1,
            ArrowLeft: -1,
            ArrowDown: columns,
            ArrowUp: -columns,
            PageDown: page,
            PageUp: -page,
            Home: -count,
            End: count,
        }[e.key];
        if (!step || e.ctrlKey || e.altKey || e.metaKey || e.shiftKey || !count) return;
        e.preventDefault();
        focus(Math.min(count - 1, Math.max(0, active + step)));
    });
    const resized = new ResizeObserver(() => {
        measure();
        draw();
    });
    resized.observe(element);
    addEventListener("scroll", soon, { passive: true });

    return {
        element,
        focus,
        // The number of items changed; keepCards: those that are shown are the same as before.
        update(n, keepCards = false) {
            count = n;
            if (!keepCards) {
                list.replaceChildren();
                made.clear();
                active = Math.min(active, Math.max(0, n - 1));
            } else for (const item of made.values()) item.setAttribute("aria-setsize", String(n));
            measure();
            draw();
        },
        destroy() {
            resized.disconnect();
            removeEventListener("scroll", soon);
            cancelAnimationFrame(frame);
        },
    };
}
