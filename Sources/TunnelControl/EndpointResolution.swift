internal import LinuxSystem
internal import NetworkTypes
internal import TunnelConfiguration
internal import TunnelDiagnosis

/// Host names of endpoints to addresses, with `wg`'s patience: a failure that may pass is tried again.
struct EndpointResolution {
    /// How often a name is tried again; nil for ever.
    var retries: Int? = 15
    /// The first pause in nanoseconds; each is a fifth longer than the one before, up to 20 seconds.
    var firstPause = Interval.seconds(1)
    static let longestPause = Interval.seconds(20)

    /// Reads WG_ENDPOINT_RESOLUTION_RETRIES, as `wg` does.
    static func fromEnvironment() -> EndpointResolution {
        var resolution = EndpointResolution()
        guard let text = Process.environment("WG_ENDPOINT_RESOLUTION_RETRIES") else { return resolution }
        if text == "infinity" {
            resolution.retries = nil
        } else if let number = Int(text), number >= 0 {
            resolution.retries = number
        }
        return resolution
    }

    /// Looks all names up.
    /// - Parameters:
    ///   - file: names the place in errors.
    ///   - lookUp: the resolver; nil when it was given up.
    ///   - pause: sleeps; returns false to give up.
    func resolve(
        _ endpoints: [UnresolvedEndpoint], file: String, _ report: SetupReport,
        lookUp: (EndpointName) -> HostLookup.Outcome?,
        pause: (Interval) -> Bool
    ) throws(SetupError) -> [EndpointName: Endpoint] {
        var resolved: [EndpointName: Endpoint] = [:]
        for endpoint in endpoints where resolved[endpoint.name] == nil {
            resolved[endpoint.name] = try resolve(endpoint, file: file, report, lookUp: lookUp, pause: pause)
        }
        return resolved
    }

    private func resolve(
        _ endpoint: UnresolvedEndpoint, file: String, _ report: SetupReport, lookUp: (EndpointName) -> HostLookup.Outcome?,
        pause: (Interval) -> Bool
    ) throws(SetupError) -> Endpoint {
        let step = "resolve the endpoint \(endpoint.name) (\(file):\(endpoint.line))"
        var length = firstPause
        var attempt = 0
        while true {
            switch lookUp(endpoint.name) {
            case nil: throw SetupError(step, "interrupted")
            case .found(let endpoints): return endpoints[0]
            case .failed(let reason):
                throw SetupError(
                    step, reason.first.map { $0.lowercased() + reason.dropFirst() } ?? "", remedy: "check the host's name",
                    isConfiguration: true)
            case .failedForNow(let reason):
                if let retries, attempt >= retries {
                    throw SetupError(
                        step, "\(reason), \(counted(attempt + 1, "time", "times"))",
                        remedy: "is the network up, and is the name server in /etc/resolv.conf reachable?")
                }
                attempt += 1
                let tenths = length.nanoseconds / 100_000_000
                report.notice(
                    "\(endpoint.name): no name server answers (\(reason.first.map { $0.lowercased() + reason.dropFirst() } ?? "")); trying again in \(tenths / 10).\(tenths % 10) s"
                )
                guard pause(length) else { throw SetupError(step, "interrupted") }
                length = min(Interval(nanoseconds: length.nanoseconds / 5 * 6), Self.longestPause)
            }
        }
    }
}
