internal import LinuxSystem
internal import TunnelConfiguration
internal import TunnelControl
internal import TunnelView
internal import WGLiteCommands

/// Asks tunnels, and makes answers of what they say. It waits for them, so it is called on threads that may.
struct TunnelAnswers: Sendable {
    /// Those that may be seen; all that are up if there is none.
    let tunnels: [String]

    func answer(_ route: HTTPRoute) -> HTTPAnswer {
        switch route {
        case .index: return index
        case .metrics: return metrics
        case .status:
            return HTTPAnswer(contentType: HTTPAnswer.json, body: StatusDocument.text(of: names) + "\n")
        case .page(let name):
            return names.contains(name) ? HTTPAnswer(contentType: HTTPAnswer.html, body: PathPage.html(.live("path.json"))) : unknown(name)
        case .path(let name): return names.contains(name) ? path(name) : unknown(name)
        }
    }

    private var names: [String] {
        let running = RuntimeDirectory.runningInterfaces().map(\.name)
        return tunnels.isEmpty ? running : tunnels
    }

    private func unknown(_ name: String) -> HTTPAnswer {
        .failure(404, "\(name) is not up, or is not to be seen here; / lists what is")
    }

    private var index: HTTPAnswer {
        let names = names
        if names.count == 1 { return HTTPAnswer(status: 302, body: "\n", location: "/\(names[0])/") }
        let list = names.map { "<li><a href=\"/\($0)/\">\($0)</a></li>" }.joined()
        let body =
            """
            <!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <meta name="color-scheme" content="light dark"><title>wg-lite</title><style>body{font:1rem system-ui;margin:2rem}</style>
            <h1>wg-lite</h1>\(names.isEmpty ? "<p>No tunnel is up.</p>" : "<ul>\(list)</ul>")<p><a href="/metrics">metrics</a>, \
            <a href="/status.json">status.json</a></p></html>

            """
        return HTTPAnswer(contentType: HTTPAnswer.html, body: body)
    }

    private var metrics: HTTPAnswer {
        var measured: [MeasuredTunnel] = []
        var silent: [String] = []
        for name in names {
            do throws(SetupError) {
                let snapshot = try TunnelQuery.state(of: name).snapshot
                let own = try TunnelQuery.pathFigures(of: name)
                let report: TunnelReport
                if let own { report = own.report } else { report = try TunnelQuery.report(of: name) }
                measured.append(
                    MeasuredTunnel(
                        name: name, snapshot: snapshot, names: TunnelQuery.peerNames(of: name), diagnosis: report.diagnosis,
                        figures: own?.figures))
            } catch {
                silent.append(name)
            }
        }
        let text = TunnelMetrics.text(measured, silent: silent, version: WGLiteCommand.version)
        return HTTPAnswer(contentType: PrometheusText.contentType, body: text)
    }

    /// What the page draws.
    private func path(_ name: String) -> HTTPAnswer {
        do throws(SetupError) {
            guard let own = try TunnelQuery.pathFigures(of: name) else {
                return .failure(501, "\(name) is another program's tunnel, which counts nothing of its path")
            }
            let reading = TunnelReading(
                interface: name, figures: own.figures, diagnosis: own.report.diagnosis, snapshot: try TunnelQuery.state(of: name).snapshot,
                names: TunnelQuery.peerNames(of: name))
            return HTTPAnswer(
                contentType: HTTPAnswer.json, body: PathJSON.document(TunnelSight(reading, since: nil, records: [])).text + "\n")
        } catch {
            return .failure(503, "\(error)")
        }
    }
}
