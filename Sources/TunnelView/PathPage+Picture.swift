extension PathPage {
    /// The picture: README's boxes and stages, built once and filled again and again, so that nothing that is open closes.
    static let pictureScript = #"""
        const layout = {
          out: [{ box: "programs" }, { box: "TUN device", helpers: ["tun_tcp", "tun_udp"] }, 0, { box: "receive ring", queue: "receive_ring" }, 1, 2, 3, 4, 5,
            { box: "UDP socket", queue: "socket_v4_send", helpers: ["udp_segment_v4", "udp_segment_v6"] }],
          in: [{ box: "UDP socket", queue: "socket_v4_receive", helpers: ["udp_merge_v4", "udp_merge_v6"] }, 0, 1, 2, 3, 4, { box: "send ring", queue: "send_ring" }, 5,
            { box: "TUN device", helpers: [] }, { box: "programs" }],
        };
        const helperWords = { tun_tcp: "TCP in super-packets", tun_udp: "UDP in super-packets", udp_segment_v4: "super-datagrams (IPv4)",
          udp_segment_v6: "super-datagrams (IPv6)", udp_merge_v4: "merged datagrams (IPv4)", udp_merge_v6: "merged datagrams (IPv6)", aead: "sealing and opening", crypto_threads: "helping threads" };
        const queueWords = { receive_ring: "receive ring", send_ring: "send ring", socket_v4_receive: "IPv4 socket, arriving",
          socket_v4_send: "IPv4 socket, leaving", socket_v6_receive: "IPv6 socket, arriving", socket_v6_send: "IPv6 socket, leaving", handshakes: "handshakes" };

        /// What each figure of a stage is, and how it is counted.
        const meanings = [
          ["rate", "packets/s", "packets that came out of this stage, a second, averaged over the time that is chosen above"],
          ["batch", "a batch", "packets that went through it together: the more, the less each costs"],
          ["cost", "each", "the time of its batches, shared by their packets"],
          ["share", "of the time", "its part of the time that all stages of this way took"],
          ["drops", "dropped", "packets whose way ended here, in that time"],
        ];

        function build(direction, way) {
          byID(direction).replaceChildren(...layout[direction].map((item) => {
            if (typeof item === "object") {
              const row = element("div", {}, element("b", {}, item.box));
              if (item.queue) row.append(element("meter", { min: 0, max: 1, high: 0.8, "data-meter": item.queue, "aria-label": `${item.box}: how full` }),
                element("span", { class: "quiet", "data-fill": item.queue }));
              if (item.helpers && item.helpers.length) row.append(element("span", { class: "quiet", "data-helpers": item.helpers.join(" ") }));
              return element("li", { class: "box" }, row);
            }
            const stage = way.stages[item];
            const id = `${direction}.${stage.name}`;
            const figure = (name, words) => element("span", {}, element("b", { "data-figure": `${id}.${name}` }), ` ${words}`);
            const facts = meanings.flatMap(([name, words, meaning]) => [
              element("dt", {}, element("b", { "data-figure": `${id}.${name}` }), ` ${words}`), element("dd", {}, meaning)]);
            return element("li", { class: "stage", id: id, "data-stage": id },
              element("details", {},
                element("summary", {}, element("span", { class: "name" }, stage.name),
                  element("span", { class: "figures" }, figure("rate", "packets/s"), figure("batch", "a batch"), figure("cost", "each"),
                    figure("drops", "dropped"), element("span", { class: "badge" })),
                  element("span", { class: "what" }, stage.explanation), element("span", { class: "share", "aria-hidden": "true" })),
                element("div", { class: "more" }, element("dl", { class: "facts" }, ...facts), element("div", { class: "charts" }),
                  element("ul", { class: "reasons" }))));
          }));
        }

        /// The figures of one stage in the chosen time.
        function stageFigures(figures, way, stage) {
          const seconds = figures.nanoseconds / 1e9;
          const all = sum(way.stages.map((each) => each.nanoseconds));
          const dropped = sum(figures.drops.filter((drop) => drop.stage === stage.name).map((drop) => drop.count));
          return {
            rate: [seconds > 0 ? stage.packets / seconds : 0, count],
            batch: [stage.batches > 0 ? stage.packets / stage.batches : 0, count],
            cost: [stage.packets > 0 ? stage.nanoseconds / stage.packets : 0, time],
            share: [all > 0 ? stage.nanoseconds / all : 0, share],
            drops: [dropped, count],
          };
        }

        function draw(direction, data, figures) {
          const way = figures[direction];
          const list = byID(direction);
          const rate = figures.nanoseconds > 0 ? (way.stages[0].packets * 1e9) / figures.nanoseconds : 0;
          list.classList.toggle("flows", rate > 0);
          // A packet a second moves slowly, a million fast: a decade is half again as fast.
          list.style.setProperty("--pace", `${fixed(2 / 1.5 ** Math.log10(Math.max(1, rate)), 2)}s`);
          for (const stage of way.stages) {
            const id = `${direction}.${stage.name}`;
            const item = byID(id);
            const values = stageFigures(figures, way, stage);
            for (const [name, [value, words]] of Object.entries(values)) {
              for (const place of item.querySelectorAll(`[data-figure="${id}.${name}"]`)) {
                place.textContent = words(value);
                place.dataset.value = value;
              }
            }
            item.querySelector(".figures").lastElementChild.previousElementSibling.className = values.drops[0] > 0 ? "some" : "none";
            item.querySelector(".share").style.setProperty("--share", `${100 * values.share[0]}%`);
            item.querySelector(".charts").replaceChildren(histogram("Packets in a batch", stage.batchSizes, sizeLabel),
              histogram("Time of a batch", stage.times, timeLabel));
            item.querySelector(".reasons").replaceChildren(...figures.drops.filter((drop) => drop.stage === stage.name)
              .map((drop) => element("li", { class: "bad" }, `${count(drop.count)} dropped: ${drop.explanation}`)));
          }
          for (const meter of list.querySelectorAll("[data-meter]")) {
            const queue = data.queues.find((each) => each.name === meter.dataset.meter);
            const full = queue && queue.capacity > 0 ? queue.used / queue.capacity : 0;
            meter.value = full;
            list.querySelector(`[data-fill="${meter.dataset.meter}"]`).textContent = queue ? `${share(full)} full` : "";
          }
          for (const place of list.querySelectorAll("[data-helpers]")) {
            const known = place.dataset.helpers.split(" ").map((name) => data.offloads.find((each) => each.name === name)).filter(Boolean);
            const words = (inUse) => known.filter((each) => each.inUse === inUse).map((each) => helperWords[each.name] ?? each.name).join(", ");
            place.textContent = words(true) || (known.length > 0 ? `no ${words(false)}` : "");
          }
        }
        """#
}
