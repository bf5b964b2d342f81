internal import LinuxSystem
internal import NetworkTypes

extension TunnelSupervisor {
    /// How long to wait before it is tried again.
    private static let pause = Interval.seconds(1)

    /// Makes again by what the tunnel is found, where others have removed it (a cleaner of old files does): the directory, the lock, the control
    /// socket and the record. Without them `down` would reach nobody, and nobody would know what a crash leaves behind.
    func keepPlace() {
        let wasTried = nextPlace != nil
        nextPlace = nil
        guard phase == .starting || phase == .running, let setup, let directory, let records = directory.records else { return }
        setup.device.server.stirred.clear()
        setup.device.server.watch(records.path)
        let path = directory.control(of: interface)
        guard !isHeld(in: records) || !FileSystem.exists(path) else { return }
        do throws(SystemError) {
            try directory.makeAgain()
            // First the ears, then what might be removed again.
            setup.device.server.watch(records.path)
            if !isHeld(in: records) {
                let name = RuntimeDirectory.lockName(interface)
                guard let taken = try records.lock(name) else {
                    throw SystemError(errno: ErrorNumber.busy, operation: "lock", subject: records.path(of: name))
                }
                lock = consume taken
            }
            records.remove(RuntimeDirectory.controlName(interface))
            try control?.listenAgain(at: path)
            report.warning("others removed files of \(interface) in \(records.path); they are made again")
            hasLostRecord = true
            keepRecord()
        } catch {
            nextPlace = Clock.now + Self.pause
            guard !wasTried else { return }
            report.warning(
                "others removed files of \(interface) in \(records.path), and they can't be made again: \(error); "
                    + "`kill -TERM \(Process.identifier)` takes it down")
        }
    }

    /// Whether our lock is the one that others find.
    func isHeld(in records: OwnedDirectory) -> Bool {
        switch lock {
        case .some(let lock): records.leads(RuntimeDirectory.lockName(interface), to: lock)
        case .none: false
        }
    }

    /// Writes the record again, once nothing is under way that writes it itself.
    func keepRecord() {
        guard hasLostRecord, underWay == nil, phase == .running, let setup else { return }
        hasLostRecord = false
        do throws(SetupError) {
            try setup.record.write(setup.current.owned)
        } catch {
            report.warning("\(error)")
        }
    }
}
