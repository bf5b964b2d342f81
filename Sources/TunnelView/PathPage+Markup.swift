extension PathPage {
    /// What stands in the page before its script fills it.
    static let markup = #"""
        <a class="skip" href="#picture">To the picture</a>
        <header>
        <h1><span id="interface">The tunnel</span>: the path of a packet</h1>
        <p id="verdict" role="status"></p>
        <p id="remedy"></p>
        <p id="when" class="quiet"></p>
        </header>
        <main>
        <section aria-label="At a glance"><dl id="glance"></dl></section>

        <section aria-labelledby="picture-title" id="picture">
        <h2 id="picture-title">The path, stage by stage</h2>
        <fieldset id="span">
        <legend>Figures</legend>
        <label><input type="radio" name="span" value="now" checked> <span id="span-now">now</span></label>
        <label><input type="radio" name="span" value="sinceStart"> since the start</label>
        </fieldset>
        <p class="quiet">Packets go down on the left and come up on the right. Open a stage for how it is measured, its batches and its drops.</p>
        <div id="ways">
        <section aria-labelledby="out-title"><h3 id="out-title">The way out <span class="quiet">from a program to the network</span></h3><ol id="out" class="way"></ol></section>
        <section aria-labelledby="in-title"><h3 id="in-title">The way in <span class="quiet">from the network to a program</span></h3><ol id="in" class="way"></ol></section>
        </div>
        </section>

        <section aria-labelledby="replay-title" id="replay">
        <h2 id="replay-title">Packets, one by one</h2>
        <p id="replay-none" class="quiet"></p>
        <div id="replay-body">
        <p class="quiet" id="replay-what"></p>
        <div class="controls">
        <label>Show <select id="replay-filter">
        <option value="all">all</option><option value="out">those on their way out</option>
        <option value="in">those on their way in</option><option value="dropped">those that were dropped</option>
        </select></label>
        <button type="button" id="replay-back">‹ Back</button>
        <button type="button" id="replay-play" aria-pressed="false">Play</button>
        <button type="button" id="replay-next">Next ›</button>
        <label class="slider"><span class="sr">Packet</span><input type="range" id="replay-slider" min="0" max="0" value="0"></label>
        <output id="replay-place" for="replay-slider"></output>
        </div>
        <div id="packet" aria-live="polite"><h3 id="packet-title"></h3><p id="packet-facts" class="quiet"></p><ol id="story"></ol></div>
        <h3>The ways that they took</h3>
        <div class="scroll" tabindex="0" role="region" aria-label="Ways of the recorded packets">
        <table id="paths"><thead><tr><th scope="col">Packets</th><th scope="col">Direction</th><th scope="col">Way</th></tr></thead><tbody></tbody></table>
        </div>
        </div>
        </section>

        <section aria-labelledby="latency-title">
        <h2 id="latency-title">How long packets stay</h2>
        <p class="quiet">From the read on one side to the hand-over on the other. Packets that are read together leave together, and each counts
        with the whole turn. Columns double: each holds what took up to twice as long as the one before.</p>
        <div id="latency"></div>
        </section>

        <section aria-labelledby="drops-title">
        <h2 id="drops-title">What was not forwarded</h2>
        <div class="scroll" tabindex="0" role="region" aria-label="Dropped packets">
        <table id="drops"><thead><tr><th scope="col">Packets</th><th scope="col">At</th><th scope="col">Why</th><th scope="col">Whose</th></tr></thead><tbody></tbody></table>
        </div>
        <p id="drops-none" class="quiet">Nothing: every packet was forwarded.</p>
        </section>

        <section aria-labelledby="queues-title">
        <h2 id="queues-title">Queues and helpers</h2>
        <p class="quiet">How full each queue was when this was taken, and what found no room in it since the start; what moves many packets
        at once, and why not where it doesn't.</p>
        <div class="scroll" tabindex="0" role="region" aria-label="Queues">
        <table id="queues"><thead><tr><th scope="col">Queue</th><th scope="col">Full</th><th scope="col">Lost</th></tr></thead><tbody></tbody></table>
        </div>
        <div class="scroll" tabindex="0" role="region" aria-label="Helpers">
        <table id="offloads"><thead><tr><th scope="col">Helper</th><th scope="col">In use</th><th scope="col">What, or why not</th></tr></thead><tbody></tbody></table>
        </div>
        </section>

        <section aria-labelledby="peers-title">
        <h2 id="peers-title">Peers</h2>
        <p id="peers-what" class="quiet"></p>
        <div class="scroll" tabindex="0" role="region" aria-label="Peers">
        <table id="peers"><thead><tr><th scope="col">Peer</th><th scope="col">State</th><th scope="col">In</th><th scope="col">Out</th><th scope="col">Handshake</th><th scope="col">Endpoint</th><th scope="col">For</th></tr></thead><tbody></tbody></table>
        </div>
        </section>
        </main>
        <footer class="quiet"><p>Made by wg-lite. There is no private key and no packet's content in this page, but addresses and names are.</p></footer>
        """#
}
