// swift-tools-version: 6.3
import PackageDescription

// A package of somebody else's, which depends on the adapter layer alone: scripts/test-stranger builds and runs it.
let package = Package(
    name: "stranger",
    dependencies: [.package(name: "wg-lite", path: "../..")],
    targets: [
        .executableTarget(name: "Stranger", dependencies: [.product(name: "TunAdapter", package: "wg-lite")]),
        // README's first program, which the script puts there.
        .executableTarget(name: "mirror", dependencies: [.product(name: "TunAdapter", package: "wg-lite")]),
    ]
)
