internal import LinuxSystem
import Synchronization

extension Session {
    /// Another descriptor of the session's TUN queue; nil once it has ended, or where there is none.
    func duplicateDevice() throws(SystemError) -> TunDescriptor? {
        try reader.withLock { reader throws(SystemError) in try reader.device?.duplicateTun() }
    }
}

extension PacketDevice {
    /// Another descriptor of the TUN queue; nil where packets only go through memory.
    func duplicateTun() throws(SystemError) -> TunDescriptor? {
        switch self {
        case .tun(let device): try device.tun.duplicate()
        case .memory: nil
        }
    }
}
