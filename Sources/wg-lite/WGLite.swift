import WGLiteCommands

/// The program: everything it does is in WGLiteCommands, where tests can reach it.
@main
struct WGLite {
    static func main() {
        WGLiteCommand.runProcess()
    }
}
