// swift-tools-version: 6.3
import PackageDescription

// Targets stand bottom up: one may depend only on those above it. The map with its reasons is in README.md, "Layout".

/// What every Swift target of the project is compiled with.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "wg-lite",
    products: [
        .library(name: "TunAdapter", targets: ["TunAdapter"]),
        // Installed as libtunadapter.so.1, which is its soname.
        .library(name: "TunAdapterLibrary", type: .dynamic, targets: ["TunAdapterLibrary"]),
        // Its public declarations speak of keys and addresses.
        .library(name: "WireGuardProtocol", targets: ["NetworkTypes", "WireGuardCrypto", "WireGuardProtocol"]),
        .executable(name: "wg-lite", targets: ["wg-lite"]),
        .executable(name: "wg-lite-serve", targets: ["wg-lite-serve"]),
    ],
    dependencies: [
        // The command line's grammar, help and completions.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // The daemon's log front end: levels and metadata as every Swift service has them.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // HTTP for `wg-lite serve`, in a program of its own: nothing of it is in the tunnel's.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .target(name: "CLinuxShims"),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CMnl", pkgConfig: "libmnl", providers: [.apt(["libmnl-dev"])]),
        .target(name: "NetworkTypes", swiftSettings: strict),
        .target(name: "LinuxSystem", dependencies: ["CLinuxShims", "CMnl", "NetworkTypes"], swiftSettings: strict),
        // Models: what scripts/model-check checks.
        .target(
            name: "TunAdapter", dependencies: ["LinuxSystem", "NetworkTypes"], exclude: ["Models"], swiftSettings: strict),
        .target(name: "CAcceleratedAEAD"),
        .target(name: "CTunAdapter"),
        .target(
            name: "TunAdapterABI", dependencies: ["CTunAdapter", "LinuxSystem", "NetworkTypes", "TunAdapter"],
            swiftSettings: strict),
        // Only the dynamic product contains it: these flags would break the linking of everything else.
        .target(
            name: "TunAdapterLibrary", dependencies: ["TunAdapterABI"], exclude: ["tunadapter.map"], swiftSettings: strict,
            linkerSettings: [
                .unsafeFlags([
                    "-static-stdlib", "-use-ld=lld", "-Xlinker", "-soname", "-Xlinker", "libtunadapter.so.1", "-Xlinker",
                    "--version-script=\(Context.packageDirectory)/Sources/TunAdapterLibrary/tunadapter.map",
                    // What it has registered with the process, and threads under way in it, outlive dlclose.
                    "-Xlinker", "-z", "-Xlinker", "nodelete",
                    // Resolving a function at its first call takes up to 11 KiB of the caller's stack.
                    "-Xlinker", "-z", "-Xlinker", "now",
                ])
            ]),
        .target(name: "WireGuardCrypto", dependencies: ["CAcceleratedAEAD", "CSodium"], swiftSettings: strict),
        .target(
            name: "WireGuardProtocol", dependencies: ["NetworkTypes", "WireGuardCrypto"], swiftSettings: strict),
        .target(
            name: "TunnelCore", dependencies: ["NetworkTypes", "WireGuardCrypto", "WireGuardProtocol"],
            swiftSettings: strict),
        // What is seen of a packet's way: stages, figures, records, filters, and the stream that they travel in. No system.
        .target(name: "PathRecording", dependencies: ["NetworkTypes", "TunnelCore", "WireGuardCrypto"], swiftSettings: strict),
        .target(
            name: "TunnelEngine",
            dependencies: [
                "LinuxSystem", "NetworkTypes", "PathRecording", "TunAdapter", "TunnelCore", "WireGuardCrypto", "WireGuardProtocol",
            ],
            swiftSettings: strict),
        .target(
            name: "TunnelConfiguration", dependencies: ["NetworkTypes", "TunnelCore", "WireGuardCrypto"],
            swiftSettings: strict),
        // Packets and keys as Wireshark reads them. No system.
        .target(
            name: "PacketCapture", dependencies: ["NetworkTypes", "PathRecording", "TunnelConfiguration", "TunnelCore", "WireGuardCrypto"],
            swiftSettings: strict),
        // What observations of a tunnel and its machine mean. No system.
        .target(
            name: "TunnelDiagnosis", dependencies: ["NetworkTypes", "TunnelConfiguration", "WireGuardCrypto"], swiftSettings: strict),
        // What is shown of a tunnel and its path: as JSON, as a picture of text, as a screen, as a page. No system.
        .target(
            name: "TunnelView",
            dependencies: [
                "NetworkTypes", "PathRecording", "TunnelConfiguration", "TunnelCore", "TunnelDiagnosis", "WireGuardCrypto",
            ],
            swiftSettings: strict),
        .target(
            name: "MachineState", dependencies: ["NetworkTypes", "TunnelConfiguration"], swiftSettings: strict),
        .target(
            name: "TunnelControl",
            dependencies: [
                "LinuxSystem", "MachineState", "NetworkTypes", "PathRecording", "TunAdapter", "TunnelConfiguration", "TunnelCore",
                "TunnelDiagnosis", "TunnelEngine",
                "WireGuardCrypto", "WireGuardProtocol", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "WGLiteCommands",
            dependencies: [
                "LinuxSystem", "NetworkTypes", "PacketCapture", "PathRecording", "TunAdapter", "TunnelConfiguration", "TunnelControl",
                "TunnelCore", "TunnelDiagnosis", "TunnelEngine", "TunnelView", "WireGuardCrypto", "WireGuardProtocol",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "wg-lite",
            dependencies: ["WGLiteCommands", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict),
        // Metrics and the path's page over HTTP.
        .target(
            name: "TunnelServer",
            dependencies: [
                "LinuxSystem", "NetworkTypes", "TunnelConfiguration", "TunnelControl", "TunnelView", "WGLiteCommands",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "wg-lite-serve",
            dependencies: [
                "LinuxSystem", "TunnelControl", "TunnelServer", "WGLiteCommands",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // Programs on the adapter layer alone; those in C are compiled by scripts/test-examples.
        .executableTarget(
            name: "icmp-responder", dependencies: ["TunAdapter"], path: "Sources/Examples/icmp-responder",
            swiftSettings: strict),
        .executableTarget(
            name: "mirror", dependencies: ["TunAdapter"], path: "Sources/Examples/mirror", swiftSettings: strict),
        // What scripts/bench-adapter measures.
        .executableTarget(
            name: "adapter-throughput", dependencies: ["LinuxSystem", "NetworkTypes", "TunAdapter"],
            path: "Sources/Examples/adapter-throughput", swiftSettings: strict),

        .testTarget(name: "NetworkTypesTests", dependencies: ["NetworkTypes", "SeededRandom"], swiftSettings: strict),
        .testTarget(name: "LinuxSystemTests", dependencies: ["CLinuxShims", "LinuxSystem", "NetworkTypes"], swiftSettings: strict),
        .testTarget(name: "TunAdapterTests", dependencies: ["LinuxSystem", "NetworkTypes", "TunAdapter"], swiftSettings: strict),
        .testTarget(name: "TunAdapterABITests", dependencies: ["CTunAdapter", "LinuxSystem", "TunAdapterABI"], swiftSettings: strict),
        .testTarget(
            name: "WireGuardCryptoTests", dependencies: ["SeededRandom", "VectorFiles", "WireGuardCrypto"],
            swiftSettings: strict),
        .testTarget(
            name: "WireGuardProtocolTests",
            dependencies: ["NetworkTypes", "VectorFiles", "WireGuardCrypto", "WireGuardProtocol"],
            swiftSettings: strict),
        .testTarget(
            name: "TunnelCoreTests",
            dependencies: ["NetworkTypes", "SeededRandom", "TunnelCore", "TunnelSimulation", "WireGuardCrypto", "WireGuardProtocol"],
            swiftSettings: strict),
        .testTarget(
            name: "PathRecordingTests",
            dependencies: ["NetworkTypes", "PathRecording", "ProcessMemory", "SeededRandom", "TunnelCore", "WireGuardCrypto"],
            swiftSettings: strict),
        .testTarget(
            name: "TunnelEngineTests",
            dependencies: [
                "LinuxSystem", "NetworkTypes", "PathRecording", "ProcessMemory", "SeededRandom", "TunAdapter", "TunnelCore", "TunnelEngine",
                "WireGuardCrypto", "WireGuardProtocol",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TunnelConfigurationTests",
            dependencies: ["NetworkTypes", "ProcessMemory", "TunnelConfiguration", "TunnelCore", "WireGuardCrypto"],
            swiftSettings: strict),
        .testTarget(
            name: "PacketCaptureTests",
            dependencies: ["NetworkTypes", "PacketCapture", "PathRecording", "TunnelCore", "WireGuardCrypto"], swiftSettings: strict),
        .testTarget(
            name: "TunnelDiagnosisTests", dependencies: ["NetworkTypes", "TunnelConfiguration", "TunnelDiagnosis", "WireGuardCrypto"],
            swiftSettings: strict),
        .testTarget(
            name: "TunnelViewTests",
            dependencies: [
                "NetworkTypes", "PathRecording", "SeededRandom", "TunnelConfiguration", "TunnelCore", "TunnelDiagnosis", "TunnelView",
                "WireGuardCrypto",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MachineStateTests", dependencies: ["MachineState", "NetworkTypes", "SeededRandom", "TunnelConfiguration"],
            swiftSettings: strict),
        .testTarget(
            name: "TunnelControlTests",
            dependencies: [
                "LinuxSystem", "MachineState", "NetworkTypes", "PathRecording", "ProcessMemory", "ScratchFiles", "TunnelConfiguration",
                "TunnelControl", "TunnelCore", "TunnelDiagnosis", "WireGuardCrypto", "WireGuardProtocol",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "WGLiteCommandsTests",
            dependencies: [
                "LinuxSystem", "NetworkTypes", "PathRecording", "ScratchFiles", "TunnelConfiguration", "TunnelControl", "TunnelCore",
                "TunnelDiagnosis",
                "TunnelView",
                "WGLiteCommands", "WireGuardCrypto", "WireGuardProtocol",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(name: "TunnelServerTests", dependencies: ["TunnelServer"], swiftSettings: strict),
        // What scripts/test counts and scripts/bench-* measure, on a release build.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .executableTarget(
            name: "measure",
            dependencies: [
                "AllocationCounter", "LinuxSystem", "NetworkTypes", "SeededRandom", "TunAdapter", "TunnelConfiguration", "TunnelCore",
                "TunnelEngine", "WireGuardCrypto", "WireGuardProtocol",
            ],
            path: "Tests/Measurements", swiftSettings: strict),
        // Tunnels over a simulated network in virtual time: what scripts/simulate runs many thousand lives of.
        .target(
            name: "TunnelSimulation",
            dependencies: ["NetworkTypes", "SeededRandom", "TunnelCore", "WireGuardCrypto", "WireGuardProtocol"],
            path: "Tests/TunnelSimulation", swiftSettings: strict),
        .executableTarget(
            name: "simulate", dependencies: ["LinuxSystem", "TunnelSimulation"], path: "Tests/Simulate", swiftSettings: strict),
        // Random numbers that are the same in every run, shared by the tests and measurements that use them.
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: strict),
        // Directories that go with the tests that made them.
        .target(name: "ScratchFiles", dependencies: ["LinuxSystem"], path: "Tests/ScratchFiles", swiftSettings: strict),
        // What this process's memory holds, for the tests that look for keys in it.
        .target(name: "ProcessMemory", dependencies: ["WireGuardCrypto"], path: "Tests/ProcessMemory", swiftSettings: strict),
        // The published vectors (JSON) and their decoding, shared by the tests that run them.
        .target(
            name: "VectorFiles", path: "Tests/VectorFiles", resources: [.copy("Vectors")], swiftSettings: strict),
    ]
)

// What can be fed with anything: tests replay the corpora; with the variable set, only the fuzzer's own program is built (scripts/fuzz).
let fuzzed: [Target.Dependency] = [
    "CLinuxShims", "LinuxSystem", "MachineState", "NetworkTypes", "PathRecording", "SeededRandom", "TunAdapter", "TunnelConfiguration",
    "TunnelControl", "TunnelCore", "TunnelDiagnosis", "TunnelSimulation", "WireGuardCrypto", "WireGuardProtocol",
]
if Context.environment["WG_LITE_FUZZER"] == nil {
    package.targets.append(
        .testTarget(
            name: "FuzzTests", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Program"], sources: ["Entries", "Replay"],
            resources: [.copy("Corpora")], swiftSettings: strict))
} else {
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Replay", "Corpora"], sources: ["Entries", "Program"],
            swiftSettings: strict))
}
