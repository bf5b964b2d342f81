import MachineState
import NetworkTypes

/// What a file in the runtime directory says that a killed tunnel has left behind: what is read is what was written, to the last byte, and
/// taking it back removes only what outlives an interface.
enum RecordFuzz {
    static func run(_ bytes: [UInt8]) {
        guard let state = SystemRecord.read(bytes, interface: "wg0") else { return }
        let text = SystemRecord.text(state, namespace: SystemRecord.namespace(bytes))
        precondition(Array(text.utf8) == bytes && bytes.count <= SystemRecord.maximumSize)
        precondition(state.outliving == state, "what goes with the interface isn't recorded")
        var left = state
        for step in Plan(from: state, owned: state, to: SystemState()).steps {
            switch step {
            case .removeRoute(let route): precondition(route.kind == .unreachable)
            case .removeRule, .setFirewall(_, nil), .setNameServers(_, nil), .acceptMarkedSources(false): break
            default: preconditionFailure("\(step) isn't a way back")
            }
            left.apply(step)
        }
        precondition(left == SystemState(), "all of it is taken back")
    }
}
