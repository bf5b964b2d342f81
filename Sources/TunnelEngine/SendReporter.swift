internal import LinuxSystem
internal import Synchronization
internal import TunnelCore

/// Turns what became of datagrams into counters, fresh source addresses, and a log line where a person should know.
struct SendReporter: ~Copyable {
    /// The errno that was reported last: the same trouble is one line, not one for each packet.
    private var lastError: Int32 = 0

    mutating func take(_ report: DatagramSendQueue.Report, _ engine: Engine) {
        if report.segmentationRefused != 0 {
            let error = SystemError(errno: report.segmentationRefused, operation: "sendmsg", subject: "UDP_SEGMENT")
            engine.log(.notice, "the kernel refuses to segment UDP (\(error)); sending datagrams one by one")
        }
        if let source = report.staleSource { engine.tunnel.withLock { $0.forget(source) } }
        if report.droppedDatagrams > 0 {
            engine.tunnel.withLock { $0.drops.add(.sendFailed, report.droppedDatagrams) }
            if report.lastError != lastError {
                engine.log(.warning, "\(SystemError(errno: report.lastError, operation: "cannot send datagrams"))")
            }
        } else if report.sentDatagrams > 0 && lastError != 0 {
            engine.log(.info, "datagrams can be sent again")
        }
        lastError = report.droppedDatagrams > 0 ? report.lastError : 0
    }
}
