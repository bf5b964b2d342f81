internal import Foundation

/// The published vectors: one JSON file each in Vectors/, decoded into the types of this target.
///
/// Field names are the files' own in Swift case; Vectors' README says what they mean.
public protocol VectorFile: Decodable, Sendable {
    /// The file's name without its extension.
    static var fileName: String { get }
}

extension VectorFile {
    /// Reads the file; throws if it is missing or isn't as this type says.
    public static func load() throws -> Self {
        guard let url = Bundle.module.url(forResource: fileName, withExtension: "json", subdirectory: "Vectors") else {
            throw MissingVectorFile(name: fileName)
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Self.self, from: Data(contentsOf: url))
    }
}

/// A vector file isn't in the test bundle.
public struct MissingVectorFile: Error {
    public let name: String
}

/// Bytes written as hexadecimal digits.
public struct HexBytes: Decodable, Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads pairs of digits of either case; nil if there is anything else.
    public init?(_ text: some StringProtocol) {
        let digits = text.utf8.map { digit -> UInt8? in
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        guard digits.count.isMultiple(of: 2), !digits.contains(nil) else { return nil }
        bytes = stride(from: 0, to: digits.count, by: 2).map { digits[$0]! << 4 | digits[$0 + 1]! }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let decoded = HexBytes(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not hexadecimal digits")
        }
        self = decoded
    }

    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    public var count: Int {
        bytes.count
    }
}

/// A 128-bit number written as a decimal string: nanoseconds after the year 2554.
public struct LongDecimalText: Decodable, Hashable, Sendable {
    public let value: UInt128

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = UInt128(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a decimal number of 128 bits")
        }
        self.value = value
    }
}

/// A 64-bit number written as a decimal string, which JSON's own numbers do not hold.
public struct DecimalText: Decodable, Hashable, Sendable {
    public let value: UInt64

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = UInt64(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a decimal number of 64 bits")
        }
        self.value = value
    }
}
