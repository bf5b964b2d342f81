internal import Glibc

/// The `--name value` pairs of a command line.
struct Arguments {
    private var values: [String: String] = [:]

    init(_ words: ArraySlice<String>) {
        var words = words
        while let name = words.popFirst() {
            guard name.hasPrefix("--"), let value = words.popFirst() else {
                print("measure: \(name): expected --name value")
                exit(2)
            }
            values[String(name.dropFirst(2))] = value
        }
    }

    func text(_ name: String, default value: String? = nil) -> String {
        guard let found = values[name] ?? value else {
            print("measure: --\(name) is missing")
            exit(2)
        }
        return found
    }

    func number(_ name: String, default value: Int) -> Int {
        guard let text = values[name] else { return value }
        guard let number = Int(text), number >= 0 else {
            print("measure: --\(name) \(text): not a number")
            exit(2)
        }
        return number
    }
}
