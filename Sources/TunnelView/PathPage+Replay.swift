extension PathPage {
    /// Recorded packets, one by one: each is shown on the picture, and told stage by stage.
    static let replayScript = #"""
        const replay = { all: [], shown: [], at: 0, step: -1, timer: null };
        const calm = matchMedia("(prefers-reduced-motion: reduce)");

        function beginReplay(data) {
          replay.all = data.records;
          const none = data.records.length === 0;
          byID("replay-body").hidden = none;
          byID("replay-none").hidden = !none;
          byID("replay-none").textContent = document.documentElement.dataset.live
            ? "This page shows figures only; `wg-lite path NAME --html FILE` records packets, and `wg-lite trace` tells them as they pass."
            : "There are no recorded packets in this page.";
          if (none) return;
          byID("replay-what").textContent = `${data.records.length} packets were recorded, their headers only.`
            + (data.recordsLost > 0 ? ` ${count(data.recordsLost)} more passed and are not in this page.` : "")
            + " Choose one, or let them play; its way is marked in the picture.";
          const ways = new Map();
          for (const record of data.records) {
            const key = `${record.direction}\n${record.way}`;
            ways.set(key, (ways.get(key) ?? 0) + 1);
          }
          fill("paths", [...ways].sort((a, b) => b[1] - a[1]).slice(0, 30).map(([key, number]) => {
            const [direction, way] = key.split("\n");
            return [[number, "number"], direction, way.includes("dropped") ? [way, "bad"] : way];
          }));
          byID("replay-filter").addEventListener("change", filterReplay);
          byID("replay-slider").addEventListener("input", (event) => { pause(); show(Number(event.target.value)); });
          byID("replay-back").addEventListener("click", () => { pause(); show(replay.at - 1); });
          byID("replay-next").addEventListener("click", () => { pause(); show(replay.at + 1); });
          byID("replay-play").addEventListener("click", () => (replay.timer === null ? play() : pause()));
          filterReplay();
        }

        function filterReplay() {
          pause();
          const wanted = byID("replay-filter").value;
          replay.shown = replay.all.filter((record) => wanted === "all" || record.direction === wanted || (wanted === "dropped" && record.fate === "dropped"));
          byID("replay-slider").max = Math.max(0, replay.shown.length - 1);
          show(0);
        }

        function show(index) {
          replay.at = Math.min(Math.max(0, index), Math.max(0, replay.shown.length - 1));
          replay.step = -1;
          const record = replay.shown[replay.at];
          const slider = byID("replay-slider");
          slider.value = replay.at;
          slider.setAttribute("aria-valuetext", record ? `packet ${replay.at + 1} of ${replay.shown.length}: ${record.title}` : "none");
          byID("replay-place").textContent = record ? `${replay.at + 1} of ${replay.shown.length}` : "none of these";
          byID("replay-back").disabled = replay.at === 0;
          byID("replay-next").disabled = replay.at >= replay.shown.length - 1;
          byID("packet-title").textContent = record ? record.title : "";
          byID("packet-facts").textContent = record ? facts(record) : "";
          byID("story").replaceChildren(...(record ? record.story : []).map((line) => element("li", { class: line.isDrop ? "dropped" : null },
            element("b", {}, line.stage), element("time", {}, line.nanoseconds === null ? "" : time(line.nanoseconds)), element("span", {}, line.text))));
          mark();
        }

        function facts(record) {
          const since = (record.unixMicroseconds - replay.all[0].unixMicroseconds) / 1e6;
          const parts = [record.direction === "out" ? "on its way out" : "on its way in", `${fixed(since, 6)} s after the first`];
          if (record.batch > 0) parts.push(`number ${record.position + 1} of the ${record.batch} that went together`);
          if (record.peer) parts.push(record.direction === "out" ? `to ${record.peer}` : `from ${record.peer}`);
          return parts.join(" · ");
        }

        /// Marks where the packet is: one stage while it plays, otherwise all that it went through.
        function mark() {
          for (const item of document.querySelectorAll(".stage.current, .stage.dropped, #story .current")) item.classList.remove("current");
          for (const item of document.querySelectorAll(".stage.dropped")) item.classList.remove("dropped");
          const record = replay.shown[replay.at];
          if (!record) return;
          record.story.forEach((line, index) => {
            if (replay.step >= 0 && replay.step !== index) return;
            const item = byID(`${record.direction}.${line.stage}`);
            if (item) {
              item.classList.add("current");
              if (line.isDrop) item.classList.add("dropped");
              item.querySelector(".badge").textContent = `this packet: ${line.nanoseconds === null ? "here" : time(line.nanoseconds)}`;
            }
            if (replay.step === index) byID("story").children[index].classList.add("current");
          });
        }

        function play() {
          const button = byID("replay-play");
          button.setAttribute("aria-pressed", "true");
          button.textContent = "Pause";
          byID("packet").setAttribute("aria-live", "off");
          replay.timer = setInterval(() => {
            const record = replay.shown[replay.at];
            if (!record) return pause();
            if (!calm.matches && replay.step < record.story.length - 1) {
              replay.step += 1;
              return mark();
            }
            if (replay.at >= replay.shown.length - 1) return pause();
            show(replay.at + 1);
          }, calm.matches ? 2500 : 600);
        }

        function pause() {
          if (replay.timer !== null) clearInterval(replay.timer);
          replay.timer = null;
          const button = byID("replay-play");
          button.setAttribute("aria-pressed", "false");
          button.textContent = "Play";
          byID("packet").setAttribute("aria-live", "polite");
        }
        """#
}
