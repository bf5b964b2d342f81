extension PathPage {
    /// Numbers in words, and elements: what the rest of the script is made with. Text gets into the page as text only.
    static let wordScript = #"""
        "use strict";
        const byID = (id) => document.getElementById(id);

        function element(tag, attributes = {}, ...children) {
          const made = document.createElement(tag);
          for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(name, value);
          made.append(...children.map((child) => (typeof child === "number" ? String(child) : child)));
          return made;
        }

        const fixed = (value, decimals) => (Math.round(value * 10 ** decimals) / 10 ** decimals).toFixed(decimals);
        const digits = (value) => (value < 9.995 ? fixed(value, 2) : value < 99.95 ? fixed(value, 1) : String(Math.round(value)));

        /// 0, 7, 123, 1.23k, 45.6M.
        function count(value) {
          if (!(value > 0)) return "0";
          if (value < 10 && value !== Math.round(value)) return fixed(value, 1);
          if (value < 999.5) return String(Math.round(value));
          const units = ["", "k", "M", "G", "T", "P", "E"];
          let unit = 0;
          while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1; }
          return digits(value) + units[unit];
        }

        function withUnit(value, unit) {
          const text = count(value);
          const last = text[text.length - 1];
          return /[a-zA-Z]/.test(last) ? `${text.slice(0, -1)} ${last}${unit}` : `${text} ${unit}`;
        }
        const bytes = (value) => withUnit(value, "B");
        const bitRate = (bytesPerSecond) => withUnit(bytesPerSecond * 8, "b/s");

        function time(ns) {
          if (ns < 999.5) return `${Math.round(ns)} ns`;
          if (ns < 999500) return `${digits(ns / 1e3)} µs`;
          if (ns < 999500000) return `${digits(ns / 1e6)} ms`;
          return `${digits(ns / 1e9)} s`;
        }

        function share(value) {
          const percent = 100 * value;
          return percent > 0 && percent < 9.95 ? `${fixed(percent, 1)} %` : `${Math.round(percent)} %`;
        }

        function age(seconds) {
          if (seconds < 120) return `${seconds} s`;
          if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
          return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
        }

        const shortKey = (key) => `${key.slice(0, 4)}…${key.slice(-3)}`;
        const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

        /// Puts rows into a table's body: arrays of cells, each a text or [text, class].
        function fill(table, rows) {
          byID(table).tBodies[0].replaceChildren(...rows.map((row) => element("tr", {}, ...row.map((cell) =>
            Array.isArray(cell) ? element("td", { class: cell[1] }, String(cell[0])) : element("td", {}, String(cell))))));
        }

        /// Columns that double: what `counts` has in each, with its numbers as text for those who can't see them.
        function histogram(title, counts, label) {
          let first = counts.findIndex((n) => n > 0);
          let last = counts.findLastIndex((n) => n > 0);
          if (first < 0) return element("p", { class: "quiet" }, `${title}: nothing yet`);
          first = Math.max(0, first - 1);
          last = Math.min(counts.length - 1, last + 1);
          const shown = counts.slice(first, last + 1);
          const most = Math.max(...shown);
          const all = sum(counts);
          const words = shown.map((n, i) => (n > 0 ? `${label(first + i)}: ${count(n)} (${share(n / all)})` : "")).filter(Boolean).join(", ");
          const bars = shown.map((n, i) => element("i", { style: `--tall: ${n > 0 ? Math.max(2, (100 * n) / most) : 0}%`,
            title: `${label(first + i)}: ${count(n)} (${share(n / all)})` }));
          const few = shown.length <= 6;
          const axis = few ? shown.map((_, i) => element("span", {}, label(first + i)))
            : [element("span", {}, label(first)), element("span", {}, label(last))];
          return element("figure", { class: "histogram" }, element("figcaption", {}, title),
            element("div", { class: "bars", role: "img", "aria-label": `${title}: ${words}` }, ...bars),
            element("div", { class: few ? "axis" : "axis ends", "aria-hidden": "true" }, ...axis));
        }

        const sizeLabel = (bucket) => (bucket === 0 ? "1" : bucket === 8 ? "256…" : `${2 ** bucket}…${2 ** (bucket + 1) - 1}`);
        const timeLabel = (bucket) => time(2 ** bucket);
        """#
}
