import Testing
import TunnelSimulation

extension SimulatedNetwork {
    /// Fails the test if anything happened that must never happen.
    func expectNoViolations(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(violations.isEmpty, "seed \(seed)", sourceLocation: sourceLocation)
    }
}
