internal import Logging

/// Hands log lines of whatever logger to their destination.
struct TunnelLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    let destination: LogDestination

    init(logLevel: Logger.Level, destination: LogDestination) {
        self.logLevel = logLevel
        self.destination = destination
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        destination.write(level: event.level) {
            var text = event.message.description
            for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
                text += " \(key)=\(value)"
            }
            return text
        }
    }
}
