extension String {
    /// Whether both have the same bytes, which is what names are to the kernel. `==` also takes for equal what is the same text otherwise
    /// encoded: é as one scalar, and as e with an accent.
    func isExactly(_ other: String) -> Bool {
        utf8.elementsEqual(other.utf8)
    }
}
