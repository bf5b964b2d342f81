internal import TunnelDiagnosis

/// The path as one page of HTML: no other file and no network; its script draws it from ``PathJSON``'s document.
public enum PathPage {
    /// Where the page has its figures from.
    public enum Source {
        /// They are in it: a file for somebody to keep.
        case recorded(TunnelSight)
        /// It asks for them once a second at this address, relative to its own.
        case live(String)
    }

    /// The whole page.
    public static func html(_ source: Source) -> String {
        switch source {
        case .recorded(let sight):
            let picture = (["\(sight.reading.diagnosis.verdict.line)", ""] + PathPicture(sight.shown).tall).joined(separator: "\n")
            return html(
                title: "\(sight.reading.interface): the path of a packet", attributes: "", data: embedded(PathJSON.document(sight)),
                withoutScript: "<pre>\(escaped(picture))</pre>")
        case .live(let address):
            return html(
                title: "The path of a packet", attributes: " data-live=\"\(escaped(address))\"", data: "null",
                withoutScript: "<p>This page shows what happens now, and needs its script for that.</p>")
        }
    }

    private static func html(title: String, attributes: String, data: String, withoutScript: String) -> String {
        """
        <!doctype html>
        <html lang="en"\(attributes)>
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="\(policy)">
        <link rel="icon" href="data:,">
        <title>\(escaped(title))</title>
        <style>
        \(style)
        </style>
        </head>
        <body>
        \(markup)
        <noscript>\(withoutScript)</noscript>
        <script type="application/json" id="data">\(data)</script>
        <script>
        \(wordScript)
        \(pictureScript)
        \(replayScript)
        \(pageScript)
        </script>
        </body>
        </html>

        """
    }

    /// Nothing is loaded from anywhere, and nothing asked but where the page itself came from.
    private static let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'"

    /// JSON that may stand in a script element: nothing in it ends the element or begins another.
    static func embedded(_ json: JSON) -> String {
        json.text.replacing("<", with: "\\u003c")
    }

    /// Text as HTML has it, in attributes too.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
