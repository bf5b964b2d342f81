extension PathPage {
    /// The page as a whole: what it shows of which data, once or every second.
    static let pageScript = #"""
        const live = document.documentElement.dataset.live;
        const past = [];
        let current = null;

        /// What was counted between two documents of the same tunnel; null where it was started anew in between.
        function difference(later, earlier) {
          const [a, b] = [later.sinceStart, earlier.sinceStart];
          if (later.interface !== earlier.interface || a.nanoseconds <= b.nanoseconds) return null;
          const less = (x, y) => (Array.isArray(x) ? x.map((n, i) => n - (y[i] ?? 0)) : x - y);
          const way = (x, y) => ({
            stages: x.stages.map((stage, i) => ({ ...stage, ...Object.fromEntries(["packets", "bytes", "batches", "nanoseconds", "batchSizes", "times"]
              .map((name) => [name, less(stage[name], y.stages[i][name])])) })),
            latency: less(x.latency, y.latency), latencyMedian: null, latencyMost: null });
          const before = new Map(b.drops.map((drop) => [drop.reason, drop.count]));
          const figures = { nanoseconds: a.nanoseconds - b.nanoseconds, out: way(a.out, b.out), in: way(a.in, b.in),
            drops: a.drops.map((drop) => ({ ...drop, count: drop.count - (before.get(drop.reason) ?? 0) })).filter((drop) => drop.count > 0) };
          for (const way of [figures.out, figures.in]) [way.latencyMedian, way.latencyMost] = [percentile(way.latency, 0.5), percentile(way.latency, 0.99)];
          const peers = new Map(earlier.peers.map((peer) => [peer.publicKey, peer]));
          for (const peer of later.peers) {
            const was = peers.get(peer.publicKey);
            peer.receivedBytesNow = was ? Math.max(0, peer.receivedBytes - was.receivedBytes) : 0;
            peer.sentBytesNow = was ? Math.max(0, peer.sentBytes - was.sentBytes) : 0;
          }
          return figures;
        }

        function percentile(counts, part) {
          const all = sum(counts);
          if (all === 0) return null;
          const wanted = Math.max(1, all * part);
          let before = 0;
          for (let i = 0; i < counts.length; i += 1) {
            if (counts[i] > 0 && before + counts[i] >= wanted) return Math.floor(2 ** i + (2 ** i * (wanted - before)) / counts[i]);
            before += counts[i];
          }
          return null;
        }

        const chosen = () => (current.now === null || document.querySelector("input[name=span]:checked").value === "sinceStart" ? current.sinceStart : current.now);

        function sparkline(values) {
          const most = Math.max(...values, 1);
          const points = values.map((value, i) => `${(100 * i) / Math.max(1, values.length - 1)},${23 - (21 * value) / most}`).join(" ");
          const space = "http://www.w3.org/2000/svg";
          const drawing = document.createElementNS(space, "svg");
          drawing.setAttribute("viewBox", "0 0 100 24");
          drawing.setAttribute("preserveAspectRatio", "none");
          drawing.setAttribute("aria-hidden", "true");
          const line = document.createElementNS(space, "polyline");
          for (const [name, value] of Object.entries({ points, fill: "none", stroke: "currentColor", "stroke-width": 1.5 })) line.setAttribute(name, value);
          drawing.append(line);
          return drawing;
        }

        function glance(figures) {
          const seconds = figures.nanoseconds / 1e9 || 1;
          const tile = (id, title, value, words, note, more) => element("div", {}, element("dt", {}, title),
            element("dd", {}, element("span", { "data-figure": id, "data-value": value }, words), element("small", {}, note), ...(more ? [more] : [])));
          const tiles = [["out", "Out", 0], ["in", "In", 5]].map(([direction, title, stage]) => {
            const inner = figures[direction].stages[stage];
            const series = past.map((each) => each[direction]);
            return tile(`${direction}.bytes`, title, inner.bytes / seconds, bitRate(inner.bytes / seconds), `${count(inner.packets / seconds)} packets/s`,
              series.length > 1 ? sparkline(series) : null);
          });
          for (const [direction, title] of [["out", "A packet on its way out"], ["in", "A packet on its way in"]]) {
            const way = figures[direction];
            tiles.push(way.latencyMedian === null ? tile(`${direction}.median`, title, "", "none", "nothing passed")
              : tile(`${direction}.median`, title, way.latencyMedian, time(way.latencyMedian), `half take no longer; 99 % at most ${time(way.latencyMost)}`));
          }
          const dropped = sum(figures.drops.map((drop) => drop.count));
          tiles.push(tile("dropped", "Not forwarded", dropped, count(dropped), dropped === 1 ? "packet" : "packets"));
          const working = current.peerStates.working ?? 0;
          tiles.push(tile("working", "Peers that work", working, `${working} of ${current.peerCount}`,
            Object.entries(current.peerStates).filter(([name]) => name !== "working").map(([name, n]) => `${n} ${name}`).join(", ") || "all of them"));
          byID("glance").replaceChildren(...tiles);
        }

        function render() {
          const figures = chosen();
          const seconds = figures.nanoseconds / 1e9;
          glance(figures);
          for (const direction of ["out", "in"]) draw(direction, current, figures);
          mark();
          byID("latency").replaceChildren(histogram("On their way out", figures.out.latency, timeLabel), histogram("On their way in", figures.in.latency, timeLabel));
          const names = new Map(current.peers.map((peer) => [peer.publicKey, peer.name ?? shortKey(peer.publicKey)]));
          fill("drops", figures.drops.map((drop) => [[count(drop.count), "number"], [drop.stage, "short"], drop.explanation,
            drop.peers.map((peer) => names.get(peer.publicKey) ?? shortKey(peer.publicKey)).join(", ") || "nobody's"]));
          byID("drops").hidden = figures.drops.length === 0;
          byID("drops-none").hidden = figures.drops.length > 0;
          fill("queues", current.queues.map((queue) => [queueWords[queue.name] ?? queue.name,
            queue.name === "handshakes" ? `${queue.used} of ${queue.capacity}`
              : `${share(queue.capacity > 0 ? queue.used / queue.capacity : 0)} of ${bytes(queue.capacity)}`,
            queue.losses > 0 ? [count(queue.losses), "bad"] : "none"]));
          fill("offloads", current.offloads.map((each) => [helperWords[each.name] ?? each.name, each.inUse ? ["yes", "good"] : "no", each.detail]));
          const broken = new Set(["silent", "no-answer", "refused", "unreachable"]);
          const perSecond = (now, all) => (figures === current.now ? bitRate(now / seconds) : bytes(all));
          fill("peers", current.peers.map((peer) => [peer.name ?? shortKey(peer.publicKey),
            [peer.state, broken.has(peer.state) ? "bad short" : peer.state === "working" ? "good short" : "short"],
            [perSecond(peer.receivedBytesNow, peer.receivedBytes), "number"], [perSecond(peer.sentBytesNow, peer.sentBytes), "number"],
            [peer.handshakeSeconds === null ? "none yet" : `${age(peer.handshakeSeconds)} ago`, "short"], peer.endpoint ?? "not known",
            peer.allowedIPs.join(", ") + (peer.allowedIPCount > peer.allowedIPs.length ? ` and ${peer.allowedIPCount - peer.allowedIPs.length} more` : "")]));
          byID("peers-what").textContent = current.peers.length < current.peerCount
            ? `The ${current.peers.length} of ${current.peerCount} peers with the most traffic.` : "Bytes of UDP payload, in and out.";
        }

        function take(data) {
          const isFirst = current === null;
          if (!isFirst && data.now === null) data.now = difference(data, current);
          current = data;
          document.title = `${data.interface}: the path of a packet`;
          byID("interface").textContent = data.interface;
          const verdict = byID("verdict");
          verdict.dataset.outcome = data.verdict.outcome;
          if (verdict.textContent !== data.verdict.line) verdict.textContent = data.verdict.line;
          byID("remedy").textContent = data.findings.length > 0 ? data.findings[0].remedy : "";
          const up = age(Math.floor(data.sinceStart.nanoseconds / 1e9));
          byID("when").textContent = `${new Date(data.unixMilliseconds).toISOString().replace("T", " ").slice(0, 19)} UTC, up for ${up}`;
          byID("span").hidden = data.now === null;
          byID("span-now").textContent = live ? "now" : `of the ${digits((data.now ?? data.sinceStart).nanoseconds / 1e9)} seconds that were recorded`;
          if (isFirst) {
            for (const direction of ["out", "in"]) build(direction, data.sinceStart[direction]);
            beginReplay(data);
          }
          if (live && data.now !== null) {
            past.push({ out: data.now.out.stages[0].bytes / data.now.nanoseconds, in: data.now.in.stages[5].bytes / data.now.nanoseconds });
            if (past.length > 60) past.shift();
          }
          render();
        }

        async function ask() {
          try {
            const answer = await fetch(live, { cache: "no-store" });
            if (!answer.ok) throw new Error(`it answers ${answer.status}`);
            take(await answer.json());
            byID("verdict").removeAttribute("aria-busy");
          } catch (failure) {
            byID("verdict").setAttribute("aria-busy", "true");
            byID("when").textContent = `no answer: ${failure.message}; asking again every second`;
          }
          setTimeout(ask, document.hidden ? 5000 : 1000);
        }

        for (const choice of document.querySelectorAll("input[name=span]")) choice.addEventListener("change", render);
        if (live) ask(); else take(JSON.parse(byID("data").textContent));
        """#
}
