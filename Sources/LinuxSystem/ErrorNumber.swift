internal import Glibc

/// The error numbers that decide what a data path does next, for those who have no libc at hand. Source: errno(3).
public enum ErrorNumber {
    /// EBADFD: a TUN queue whose interface is gone.
    public static let badDescriptorState = Glibc.EBADFD
    /// ENODEV: no such interface.
    public static let noDevice = Glibc.ENODEV
    /// EIO: a TUN interface that is down.
    public static let inputOutput = Glibc.EIO
    /// EINVAL: what was handed over makes no sense to the kernel.
    public static let invalidArgument = Glibc.EINVAL
    /// EBUSY: somebody else has it.
    public static let busy = Glibc.EBUSY
    /// EMFILE: this process may have no more files open.
    public static let tooManyOpenFiles = Glibc.EMFILE
    /// EBADF: not an open descriptor.
    public static let badDescriptor = Glibc.EBADF
    /// EEXIST: it is there already.
    public static let exists = Glibc.EEXIST
    /// ENOENT: there is none.
    public static let noEntry = Glibc.ENOENT
    /// ESRCH: no such route.
    public static let noSuchProcess = Glibc.ESRCH
    /// EADDRNOTAVAIL: the interface doesn't have that address.
    public static let addressNotAvailable = Glibc.EADDRNOTAVAIL
    /// EFBIG: longer than anything that makes sense.
    public static let tooBig = Glibc.EFBIG
    /// ENOBUFS: a queue on the way out is full.
    public static let noBufferSpace = Glibc.ENOBUFS
    /// EADDRINUSE: the port is taken.
    public static let addressInUse = Glibc.EADDRINUSE
    /// EPIPE: nobody reads what is written.
    public static let brokenPipe = Glibc.EPIPE
    /// Nothing can be done without waiting.
    public static let wouldBlock = Glibc.EAGAIN
    /// The network, or the interface, is down.
    public static let networkDown = Glibc.ENETDOWN
}
