extension PathPage {
    static let style = #"""
        :root { color-scheme: light dark; --back: #fbfbf9; --card: #ffffff; --text: #1b1e23; --quiet: #565c66; --line: #d4d7dc;
          --out: #1f5fbf; --in: #0b7a5c; --bad: #b3261e; --warn: #8a5a00; --good: #1a7f37; --mark: #fff3c4; }
        @media (prefers-color-scheme: dark) { :root { --back: #14161a; --card: #1d2026; --text: #e8eaed; --quiet: #a3aab5; --line: #3a3f48;
          --out: #7fb0ff; --in: #5fd3ae; --bad: #ff8a80; --warn: #f0b84f; --good: #6fd388; --mark: #453a10; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--back); color: var(--text);
          font: 1rem/1.45 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
        h1 { font-size: 1.5rem; margin: .2rem 0; } h2 { font-size: 1.2rem; margin: 1.8rem 0 .4rem; } h3 { font-size: 1rem; margin: .8rem 0 .3rem; }
        p { margin: .3rem 0; } h1, td, dd, p { overflow-wrap: anywhere; }
        .quiet { color: var(--quiet); font-size: .875rem; font-weight: normal; }
        .sr, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        :focus-visible { outline: 3px solid var(--out); outline-offset: 2px; border-radius: 3px; }
        #verdict { font-size: 1.1rem; font-weight: 600; }
        #verdict[data-outcome^="works"] { color: var(--good); } #verdict[data-outcome="does-not-work"] { color: var(--bad); }
        #verdict[data-outcome="works-in-part"], #verdict[data-outcome="works-with-findings"] { color: var(--warn); }
        #glance { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; margin: .8rem 0; }
        #glance > div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .7rem; }
        #glance dt { color: var(--quiet); font-size: .875rem; } #glance dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
        #glance dd small { display: block; font-size: .8125rem; font-weight: normal; color: var(--quiet); }
        #glance svg { display: block; width: 100%; height: 1.6rem; }
        fieldset { border: 0; padding: 0; margin: .3rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; } legend { float: left; margin-right: 1rem; }
        #ways { display: grid; grid-template-columns: 1fr; gap: 1.2rem; }
        .way { list-style: none; margin: 0; padding: 0; display: flex; flex-direction: column; }
        .way > li { position: relative; padding-left: 1.6rem; }
        .way > li::before { content: ""; position: absolute; left: .45rem; top: 0; bottom: 0; width: 6px; border-radius: 3px; background: var(--line); }
        #out, #latency > :first-child { --flow: var(--out); } #in, #latency > :last-child { --flow: var(--in); }
        .way.flows > li::before { background: repeating-linear-gradient(to bottom, var(--flow) 0 6px, var(--line) 6px 18px); background-size: 6px 18px;
          animation: flow var(--pace, 1s) linear infinite; }
        @keyframes flow { to { background-position-y: 18px; } }
        .box { background: none; } .box > div { border: 2px solid var(--flow); border-radius: .4rem; padding: .35rem .6rem; margin: .15rem 0;
          background: var(--card); display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: center; }
        .box b { flex: 1 0 auto; } .box meter { width: 6rem; height: .8rem; } .box .quiet { flex: 1 1 auto; text-align: right; }
        .stage details { border: 1px solid var(--line); border-radius: .4rem; background: var(--card); margin: .15rem 0; }
        .stage.current details { background: var(--mark); border-color: var(--warn); } .stage.dropped details { border: 2px solid var(--bad); }
        .stage summary { padding: .35rem .6rem; cursor: pointer; display: grid; grid-template-columns: 5.6rem 1fr; gap: 0 .6rem; list-style: none; }
        .stage summary::-webkit-details-marker { display: none; }
        .stage .name { font-weight: 600; white-space: nowrap; } .stage .name::after { content: " +"; color: var(--quiet); font-weight: normal; }
        .stage details[open] .name::after { content: " −"; }
        .stage .figures { display: flex; flex-wrap: wrap; gap: 0 .7rem; font-size: .8125rem; } .stage .figures span { white-space: nowrap; }
        .stage .figures .none { color: var(--quiet); } .stage .figures .some { color: var(--bad); font-weight: 600; }
        .stage .share { grid-column: 1 / -1; height: 4px; border-radius: 2px; margin-top: .25rem;
          background: linear-gradient(to right, var(--flow) var(--share, 0%), var(--line) 0); }
        .stage .what { grid-column: 1 / -1; font-size: .8125rem; color: var(--quiet); }
        .stage .more { padding: 0 .6rem .5rem; border-top: 1px solid var(--line); }
        .stage .badge { display: none; } .stage.current .badge { display: inline; font-weight: 600; color: var(--text); }
        dl.facts { margin: .4rem 0; } dl.facts dt { font-weight: 600; font-size: .875rem; } dl.facts dd { margin: 0 0 .3rem; color: var(--quiet); font-size: .875rem; }
        .histogram { margin: .4rem 0 .8rem; } .histogram figcaption { font-size: .875rem; }
        .bars { display: flex; align-items: flex-end; gap: 2px; height: 4.5rem; border-bottom: 1px solid var(--quiet); }
        .bars i { flex: 1; min-width: 2px; background: var(--flow, var(--out)); height: var(--tall); border-radius: 2px 2px 0 0; }
        .axis { display: flex; gap: 2px; font-size: .75rem; color: var(--quiet); } .axis span { flex: 1; min-width: 2px; text-align: center; overflow: visible; white-space: nowrap; }
        .axis.ends { justify-content: space-between; } .axis.ends span { flex: none; }
        .controls { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; } .controls .slider { flex: 1 1 12rem; }
        .controls input[type=range] { width: 100%; } button, select { font: inherit; padding: .35rem .7rem; min-height: 2.4rem; color: var(--text);
          background: var(--card); border: 1px solid var(--quiet); border-radius: .4rem; cursor: pointer; }
        #story { padding-left: 0; list-style: none; margin: .4rem 0; } #story li { display: grid; grid-template-columns: 5.2rem 4.6rem 1fr; gap: .5rem;
          padding: .25rem .4rem; border-left: 4px solid var(--line); } #story li.current { background: var(--mark); border-color: var(--warn); }
        #story li.dropped { border-color: var(--bad); color: var(--bad); font-weight: 600; } #story b { font-weight: 600; } #story time { text-align: right; }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; min-width: 34rem; font-size: .9375rem; margin: .4rem 0; }
        th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; } th { font-size: .875rem; color: var(--quiet); }
        td.number { white-space: nowrap; } td.short { white-space: nowrap; } .bad { color: var(--bad); } .good { color: var(--good); }
        @media (min-width: 48rem) { #ways { grid-template-columns: 1fr 1fr; } #ways > * { min-width: 0; } #in { flex-direction: column-reverse; }
          #in.flows > li::before { animation-direction: reverse; } #latency { display: grid; grid-template-columns: 1fr 1fr; gap: 1.2rem; } }
        @media (max-width: 30rem) { #story li { grid-template-columns: 4.6rem 1fr; } #story li span { grid-column: 1 / -1; } }
        @media (prefers-reduced-motion: reduce) { .way.flows > li::before { animation: none; } }
        @media print { .controls, #span, .skip { display: none; } }
        """#
}
