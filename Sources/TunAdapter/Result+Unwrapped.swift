extension Result where Success: ~Copyable, Failure == AdapterError {
    /// The value, or what was thrown instead of it.
    consuming func unwrapped() throws(AdapterError) -> Success {
        switch consume self {
        case .success(let value): return value
        case .failure(let error): throw error
        }
    }
}
