import NetworkTypes
import PathRecording
import Testing
import TunnelCore
import WireGuardCrypto

@testable import TunnelView

@Suite struct PathPageTests {
    @Test func `nothing in the data can end the script element or stand as markup`() {
        let name = "</script><script>alert(1)</script><!-- \" ' & <b>"
        var sight = Samples.sight(names: [Samples.key(0): name])
        sight.records = [Samples.record(0)]
        let page = PathPage.html(.recorded(sight))
        let data = page.firstRange(of: "id=\"data\">").map { page[$0.upperBound...] }!
        let end = data.firstRange(of: "</script>")!.lowerBound
        #expect(!data[..<end].contains("<"))
        #expect(data[..<end].contains("alert(1)"))
        #expect(page[..<data.startIndex].contains("alert") == false)
        #expect(PathPage.escaped(name) == "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;!-- &quot; &#39; &amp; &lt;b&gt;")
    }

    @Test func `the page asks nobody for anything`() {
        let page = PathPage.html(.recorded(Samples.sight()))
        #expect(page.contains("default-src 'none'"))
        #expect(!page.contains("src=") && !page.contains("@import") && !page.contains("url("))
        #expect(page.matches(of: /https?:\/\//).count == 1, "the name of SVG")
        #expect(page.contains("<html lang=\"en\">") && !page.contains("data-live=\""))
    }

    @Test func `the live page names where its figures are, and has none`() {
        let page = PathPage.html(.live("path.json"))
        #expect(page.contains("<html lang=\"en\" data-live=\"path.json\">") && page.contains("id=\"data\">null<"))
    }

    @Test func `the document is bounded, whatever the tunnel has`() {
        var sight = Samples.sight(peers: 10_000)
        sight.records = (0..<2000).map { Samples.record($0) }
        let text = PathJSON.document(sight).text
        #expect(text.contains("\"peerCount\":10000"))
        #expect(text.matches(of: /"allowedIPCount"/).count == PathJSON.mostPeers)
        #expect(text.matches(of: /"unixMicroseconds"/).count == PathJSON.mostRecords)
        #expect(text.utf8.count < 2 << 20)
    }

    @Test func `an idle tunnel has a page and a picture too`() {
        let sight = TunnelSight(Samples.reading(seconds: 5, packets: 0, peers: 0), since: Samples.reading(seconds: 1, packets: 0, peers: 0))
        #expect(PathPage.html(.recorded(sight)).contains("\"records\":[]"))
        #expect(PathPicture(sight.shown).tall.contains { $0.hasPrefix("  | seal") && $0.contains("0     -       -     -") })
    }

    @Test func `the picture is 80 columns wide and has every stage once a way`() throws {
        let figures = Samples.sight().shown
        for lines in [PathPicture(figures).tall, PathPicture(figures).compact] {
            #expect(lines.allSatisfy { $0.count <= 80 })
            for stage in PathDirection.allCases.flatMap(\.stageNames) {
                #expect(lines.joined(separator: "\n").matches(of: try Regex("[|v^ ] \(stage) +[0-9]")).count == 1, "\(stage)")
            }
        }
        #expect(PathPicture(figures).compact.count == 10 && PathPicture(figures).tall.count == 18)
        #expect(PathPicture(figures).tall.contains { $0.contains("25 % full") })
    }
}
