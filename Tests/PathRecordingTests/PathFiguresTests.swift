import NetworkTypes
import PathRecording
import Testing
import TunnelCore
import WireGuardCrypto

@Suite struct PathFiguresTests {
    private static var sample: PathFigures {
        var figures = PathFigures(unixNanoseconds: 1_700_000_000_000_000_000, interval: .seconds(20))
        for direction in PathDirection.allCases {
            for stage in 0..<PathDirection.stageCount {
                var sample = StageFigures()
                sample.packets = UInt64(100 * (stage + 1))
                sample.bytes = 142_000
                sample.batches = 10
                sample.time = Interval(nanoseconds: 50_000)
                sample.batchSizes.record(45)
                sample.times.record(Interval(nanoseconds: 5000), packets: 1)
                figures[direction].stages[stage] = sample
            }
            figures[direction].latency.record(Interval(nanoseconds: 40_000), packets: 100)
        }
        figures.queues = [QueueFigures(name: "receive_ring", used: 10, capacity: 4_194_304, losses: 3)]
        figures.offloads = [
            OffloadFigures(name: "tun_tcp", isInUse: true, detail: ""),
            OffloadFigures(name: "udp_segment_v4", isInUse: false, detail: "the kernel refuses to segment UDP on this way out"),
        ]
        figures.drops = [
            DropFigures(.noPeerForDestination, peer: nil, count: 4), DropFigures(.replay, peer: Samples.key(3), count: 5),
        ]
        return figures
    }

    @Test func `figures come back from their text`() {
        #expect(PathFigures(text: Self.sample.text) == Self.sample)
        let empty = PathFigures(unixNanoseconds: 1, interval: Interval(nanoseconds: 2))
        #expect(PathFigures(text: empty.text) == empty)
    }

    @Test func `lines of later versions are passed over, anything else is refused`() {
        #expect(PathFigures(text: Self.sample.text + "weather fine\ndrop sunstroke 4\n") == Self.sample)
        #expect(PathFigures(text: "") == nil)
        #expect(PathFigures(text: "stage out read 1 1 1 1 1 1\n") == nil)
        #expect(PathFigures(text: "at 1 2\nstage out read 1 1 1 1 1\n") == nil)
        #expect(PathFigures(text: "at 1 2\nqueue x 1 2\n") == nil)
        #expect(PathFigures(text: "at 1 2\ndrop replay 4 abcd\n") == nil)
        #expect(PathFigures(text: "at 1 2\nlatency out \(Array(repeating: "1", count: 37).joined(separator: ","))\n") == nil)
    }

    @Test func `a difference has what was counted in between`() {
        var later = Self.sample
        later.interval = .seconds(22)
        later.outbound[.seal].packets += 50
        later.outbound[.seal].batchSizes.record(1)
        later.inbound.latency.record(Interval(nanoseconds: 1), packets: 6)
        later.queues[0].used = 77
        later.queues[0].losses += 2
        later.drops[1].count += 9
        later.drops.append(DropFigures(.badTag, peer: nil, count: 1))
        let difference = later.difference(since: Self.sample)
        #expect(difference.interval == .seconds(2))
        #expect(difference.outbound[.seal].packets == 50)
        #expect(difference.outbound[.seal].batchSizes.counts[0] == 1)
        #expect(difference.outbound[.seal].batchSizes.counts[5] == 0)
        #expect(difference.outbound[.read].packets == 0)
        #expect(difference.inbound.latency.total == 6)
        #expect(difference.queues == [QueueFigures(name: "receive_ring", used: 77, capacity: 4_194_304, losses: 2)])
        #expect(difference.drops == [DropFigures(.replay, peer: Samples.key(3), count: 9), DropFigures(.badTag, peer: nil, count: 1)])
    }

    @Test func `after a restart everything is new`() {
        var later = Self.sample
        later.interval = .seconds(1)
        #expect(later.difference(since: Self.sample) == later)
    }

    @Test func `batch sizes double from bucket to bucket`() {
        for bucket in 0..<BatchSizeHistogram.bucketCount {
            let sizes = BatchSizeHistogram.sizes(of: bucket)
            #expect(BatchSizeHistogram.bucket(of: sizes.lowerBound) == bucket)
            #expect(BatchSizeHistogram.bucket(of: sizes.upperBound) == bucket)
        }
        #expect(BatchSizeHistogram.bucket(of: 0) == 0)
    }

    @Test func `every reason to drop has a place and a name that leads back to it`() {
        for reason in DropReason.allCases { #expect(DropReason(name: reason.name) == reason) }
        #expect(DropReason.noPeerForDestination.place == .outbound(.route))
        #expect(DropReason.replay.place.name == "accept")
        #expect(DropReason(name: "sunstroke") == nil)
    }

    @Test func `a stage's time is from the end of the one before it that the packet came to`() {
        var times = StageTimes()
        times.ends[0] = 100
        times.ends[2] = 250
        #expect(times.duration(of: 0) == Interval(nanoseconds: 100))
        #expect(times.duration(of: 1) == nil)
        #expect(times.duration(of: 2) == Interval(nanoseconds: 150))
        #expect(times.last == 2)
        #expect(StageTimes().last == nil)
    }

    @Test func `a record knows its packet's addresses from the headers alone`() {
        let addresses = Samples.sent.addresses
        #expect(addresses?.source == IPAddress("10.8.0.1"))
        #expect(addresses?.ports?.destination == 443)
        #expect(Samples.refused.addresses == nil)
        #expect(Samples.refused.lastStage == "accept")
        #expect(Samples.sent.lastStage == "release")
    }
}
