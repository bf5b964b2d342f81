import Testing
import TunnelEngine

@testable import TunnelControl

@Suite struct ServiceWatchTests {
    @Test func `the watchdog hears of a tunnel only while both of its threads move`() {
        for silent in [[EngineThread.packets], [.handshakes], [.packets, .handshakes]] {
            var watch = ServiceWatch()
            #expect(watch.turn(silent: [], well: "up") == .init(feeds: true, asks: true, status: nil))
            let turn = watch.turn(silent: silent, well: "up")
            #expect(!turn.feeds && !turn.asks)
            #expect(turn.status?.contains("hang") == true)
            // Said once, and what is well again is said too.
            #expect(watch.turn(silent: silent, well: "up") == .init(feeds: false, asks: false, status: nil))
            #expect(watch.turn(silent: [], well: "up") == .init(feeds: true, asks: true, status: "up"))
        }
    }

    @Test func `the status names the thread that hangs`() {
        var watch = ServiceWatch()
        #expect(watch.turn(silent: [.packets], well: "up").status?.hasPrefix("the packet thread hangs") == true)
        #expect(
            watch.turn(silent: [.packets, .handshakes], well: "up").status?.hasPrefix("the packet thread and the handshake thread hang:")
                == true)
    }
}

@Suite struct ServiceSandboxTests {
    @Test func `a main process of a service knows its unit, its children and other programs have none`() {
        let groups = "1:name=systemd:/user.slice\n0::/system.slice/system-wg\\x2dlite.slice/wg-lite@office.service\n"
        #expect(ServiceSandbox.unit(executed: "42", identifier: 42, groups: groups) == "wg-lite@office")
        #expect(ServiceSandbox.unit(executed: "41", identifier: 42, groups: groups) == nil)
        #expect(ServiceSandbox.unit(executed: nil, identifier: 42, groups: groups) == nil)
        #expect(ServiceSandbox.unit(executed: "42", identifier: 42, groups: "0::/user.slice/session-1.scope\n") == nil)
    }
}
