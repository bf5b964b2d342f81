internal import NetworkTypes
public import TunnelConfiguration
public import TunnelDiagnosis

/// What can be said of a file before it is up: by itself, and with the routes and networks of the machine as they are now.
public enum FileObservation {
    /// The findings of a file, and a verdict of what it would be. Asks the kernel; sends nothing.
    public static func diagnosis(of file: ConfigurationFile, interface: String) -> Diagnosis {
        var observation = Observation(interface: interface, settings: TunnelSettings(file))
        var machine = Machine(interface: interface)
        machine?.complete(&observation, mark: file.interface.firewallMark?.value ?? 0)
        return Diagnosis(observation)
    }
}
