import LinuxSystem
import MachineState
import ScratchFiles
import Testing

@testable import TunnelControl

@Suite struct RuntimeDirectoryTests {
    private func paths(_ user: UInt32, _ standardOwner: UInt32?, _ userDirectory: String?) -> [String] {
        RuntimeDirectory.Place.all(user: user, standardOwner: standardOwner, userDirectory: userDirectory).map(\.path)
    }

    @Test func `root looks in /run and nowhere else, whatever the environment says`() {
        #expect(paths(0, 0, "/tmp/evil") == ["/run"])
        #expect(paths(1000, 0, "/run/user/1000") == ["/run", "/run/user/1000", "/tmp/wg-lite-1000"])
        #expect(paths(1000, 0, "relative") == ["/run", "/tmp/wg-lite-1000"])
        // Root of a user namespace: the machine's /run is somebody else's.
        #expect(paths(0, 65534, nil) == ["/run", "/tmp/wg-lite-0"])
    }

    @Test func `places are a user's own or root's, those that are made a user's own`() {
        for place in RuntimeDirectory.Place.all(user: 1000, standardOwner: 0, userDirectory: "/run/user/1000") {
            #expect(place.owners == (place.path == "/run" ? [0, 1000] : [1000]))
        }
    }

    @Test func `a place is made with directories that others may list and that hold secrets from them`() throws {
        let scratch = try TemporaryDirectory()
        let place = RuntimeDirectory.Place(path: scratch["place"], owners: [Process.effectiveUser], isMade: true)
        #expect(throws: SystemError.self) { try RuntimeDirectory.open(place, making: false) }
        _ = try RuntimeDirectory.open(place, making: true)
        #expect(FileSystem.status(scratch["place/wireguard"])?.permissions == 0o755)
        #expect(FileSystem.status(scratch["place/wg-lite"])?.permissions == 0o700)
        let opened = try RuntimeDirectory.open(place, making: false)
        try #require(opened.records).replace(RuntimeDirectory.recordName("t"), with: Array("name-servers file\n".utf8))
        let record = { TunnelRecord(interface: $0, directory: opened) }
        #expect(try record("t").read()?.state.nameServers?.method == .file)
        #expect(try record("u").read() == nil)
        try #require(opened.records).replace(RuntimeDirectory.recordName("u"), with: Array("dns file t\n".utf8))
        #expect(throws: SetupError.self) { try record("u").read() }
        #expect(throws: SetupError.self) { try record("u").read() }
        try record("t").write(SystemState())
        #expect(try record("t").read() == nil)
    }
}
