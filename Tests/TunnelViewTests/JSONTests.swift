import Testing
import TunnelView

@Suite struct JSONTests {
    @Test func `objects keep their order and texts are escaped`() {
        let json = JSON.object([("b", .number(1)), ("a", .array([.null, .bool(true), .string("\"\\\n\u{1}")]))])
        #expect(json.text == #"{"b":1,"a":[null,true,"\"\\\n\u0001"]}"#)
    }
}
