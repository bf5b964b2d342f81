internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// One connection: takes its requests in turn, has each answered on a thread that may wait, and closes it when it idles.
///
/// Belongs to its channel's event loop.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Longest time that an answer may take to be made and read.
    private static let patience = TimeAmount.seconds(60)

    private let hosts: HostPolicy
    private let pool: NIOThreadPool
    private let answer: @Sendable (HTTPRoute) -> HTTPAnswer
    private var head: HTTPRequestHead?

    init(_ hosts: HostPolicy, _ pool: NIOThreadPool, _ answer: @escaping @Sendable (HTTPRoute) -> HTTPAnswer) {
        self.hosts = hosts
        self.pool = pool
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        // Nothing here takes a body; who sends one goes unheard until its end.
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            take(head, context)
        }
    }

    private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard hosts.admits(head.headers.first(name: "host")) else {
            return write(.failure(403, "this server answers to its own address only"), to: head, context)
        }
        guard head.method == .GET || head.method == .HEAD else {
            return write(.failure(405, "it only reads: GET and HEAD"), to: head, context)
        }
        guard let route = HTTPRoute(head.uri) else {
            return write(.failure(404, "there are /, /metrics, /status.json and /INTERFACE/"), to: head, context)
        }
        let (answer, loop) = (answer, context.eventLoop)
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        pool.runIfActive(eventLoop: loop) { answer(route) }.whenComplete { result in
            let (handler, context) = bound.value
            switch result {
            case .success(let answer): handler.write(answer, to: head, context)
            case .failure: context.close(promise: nil)
            }
        }
    }

    private func write(_ answer: HTTPAnswer, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let staysOpen = request.isKeepAlive && request.version.minor > 0 && answer.status < 400
        var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status))
        head.headers.add(name: "Content-Type", value: answer.contentType)
        head.headers.add(name: "Content-Length", value: "\(answer.body.utf8.count)")
        head.headers.add(name: "Cache-Control", value: "no-store")
        head.headers.add(name: "X-Content-Type-Options", value: "nosniff")
        head.headers.add(name: "X-Frame-Options", value: "DENY")
        head.headers.add(name: "Referrer-Policy", value: "no-referrer")
        if answer.status == 405 { head.headers.add(name: "Allow", value: "GET, HEAD") }
        if let location = answer.location { head.headers.add(name: "Location", value: location) }
        if !staysOpen { head.headers.add(name: "Connection", value: "close") }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        // One who doesn't read keeps what waits for him no longer than this.
        let deadline = context.eventLoop.scheduleTask(in: Self.patience) { bound.value.close(promise: nil) }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(string: answer.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            deadline.cancel()
            if !staysOpen { bound.value.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) } else { context.fireUserInboundEventTriggered(event) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
