import Testing

@testable import WireGuardCrypto

@Suite struct BackendChoiceTests {
    @Test func `asking for libsodium gives libsodium`() {
        let choice = BackendChoice.make(.libsodium)
        #expect(choice.backend == .libsodium)
        #expect(choice.isAsPreferred)
    }

    @Test func `the faster library is chosen only when it computes the same, and its absence is explained`() {
        let choice = BackendChoice.make(.automatic)
        #expect(!choice.reason.explanation.isEmpty)
        #expect(choice.isAsPreferred)
        if choice.backend == .accelerated {
            let isEqual = BackendChoice.isEqualToPortable(TransportCipher(.accelerated))
            #expect(isEqual)
        } else {
            print("not tested against libipsec-mb: \(choice.reason.explanation)")
            #expect(!BackendChoice.make(.accelerated).isAsPreferred)
        }
    }

    @Test func `the comparison itself accepts libsodium`() {
        let isEqual = BackendChoice.isEqualToPortable(TransportCipher(.libsodium))
        #expect(isEqual)
    }
}
