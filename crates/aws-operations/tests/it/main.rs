//! A service of this test's own, called by each of its wires.

use aws_operations::{Call, Cx, Entry, Operation, Quotas, Service};
use aws_protocol::document::{cbor, json};
use aws_protocol::protocol::Signs;
use aws_protocol::query::Limits;
use aws_protocol::wire::Names;
use aws_protocol::{Fault, NotYet, Wire};
use fleet::{AddressPool, Command, Fleet};
use serde::{Deserialize, Serialize};

aws_operations::model! {
    errors {
        ThingNotFoundFault = "ThingNotFound", 404, Sender;
        BrokenFault = "Broken", 500, Receiver;
    }
    operations {
        BreakThing(Name;) BrokenFault;
        DescribeThing(Name; Colour) ThingNotFoundFault;
        ForgetThing(Name;);
    }
}

static SERVICE: Service = Service {
    scope: "things",
    wires: &[Wire::Query, Wire::Json10, Wire::Cbor],
    version: "2026-01-01",
    names: Names { xml: "urn:things", target: "Things", shapes: "", speaks_query: true },
    model: &MODEL,
    operations: &[Entry::of::<DescribeThing>(), Entry::of::<BreakThing>()],
    quotas: &[],
    input_fault: Wire::input_fault,
};

struct DescribeThing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Input {
    name: String,
    _colour: NotYet,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    length: usize,
}

impl Operation for DescribeThing {
    const NAME: &'static str = "DescribeThing";
    type Input = Input;
    type Output = Output;

    fn answer(_: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        match input.name.as_str() {
            "none" => Err(ThingNotFoundFault.because("There is no such thing.")),
            name => Ok(Output { length: name.len() }),
        }
    }
}

/// It refuses with an error of another operation.
struct BreakThing;

impl Operation for BreakThing {
    const NAME: &'static str = "BreakThing";
    type Input = Input;
    type Output = ();

    fn decide(_: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        match input.name.as_str() {
            "declared" => Err(BrokenFault.because("It is broken.")),
            "common" => Err(Fault::invalid_parameter_value("It cannot be broken.")),
            _ => Err(ThingNotFoundFault.because("There is no such thing.")),
        }
    }

    fn answer(_: &Cx<'_>, _: &Input) -> Result<(), Fault> {
        Ok(())
    }
}

/// A request for an operation with one text for each of its parameters.
fn decode(wire: Wire, operation: &str, parameters: &[(&str, &str)]) -> Result<Call, Fault> {
    let (target, path) = (format!("Things.{operation}"), format!("/service/Things/operation/{operation}"));
    let members: Vec<String> =
        parameters.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
    let document = format!("{{{}}}", members.join(","));
    let form: String = parameters.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    let (signs, body) = match wire {
        Wire::Query => {
            (Signs::default(), format!("Action={operation}&Version=2026-01-01{form}").into_bytes())
        }
        Wire::Json10 | Wire::Json11 => {
            (Signs { target: Some(&target), ..Signs::default() }, document.into_bytes())
        }
        Wire::Cbor => {
            let value = json::parse(document.as_bytes()).expect("JSON");
            (Signs { path: &path, ..Signs::default() }, cbor::print(&value))
        }
    };
    SERVICE.decode(wire, &signs, &body, &Limits::default(), "id")
}

fn with_cx<T>(run: impl FnOnce(&Cx<'_>) -> T) -> T {
    let fleet = Fleet::new(AddressPool::Loopback { block: 1, last: 0 });
    run(&Cx { fleet: &fleet, region: "us-east-1", account: "000000000000", now_ms: 0, quotas: Quotas::AWS })
}

#[test]
fn an_operation_answers_by_each_wire() {
    let answer = |wire: Wire| {
        let call = decode(wire, "DescribeThing", &[("Name", "four")]).expect("a call");
        with_cx(|cx| call.answer(cx)).expect("an answer").body
    };
    let xml = String::from_utf8(answer(Wire::Query)).expect("text");
    assert!(xml.contains("<DescribeThingResult><Length>4</Length></DescribeThingResult>"), "{xml}");
    assert_eq!(answer(Wire::Json10), b"{\"Length\":4}");
    assert_eq!(answer(Wire::Cbor), b"\xa1\x66Length\x04");
}

#[test]
fn what_is_refused_is_told_apart_by_each_wire() {
    let check = |operation: &str, parameters: &[(&str, &str)], codes: [&str; 3]| {
        let found = [Wire::Query, Wire::Json10, Wire::Cbor].map(|wire| {
            let fault = decode(wire, operation, parameters).expect_err(operation);
            let response = wire.fault(&fault, &SERVICE.names, "id");
            assert!(response.status >= 400, "{response:?}");
            fault.code.into_owned()
        });
        assert_eq!(found, codes, "{operation} {parameters:?}");
    };
    check("Fly", &[], ["InvalidAction"; 3]);
    check("ForgetThing", &[("Name", "a")], ["NotImplemented"; 3]);
    let refused = ["InvalidParameterValue", "ValidationError", "ValidationError"];
    check("DescribeThing", &[], refused);
    check("DescribeThing", &[("Name", "a"), ("Colour", "red")], refused);
    check(
        "DescribeThing",
        &[("Name", "a"), ("Nonsense", "1")],
        ["UnknownParameter", "ValidationError", "ValidationError"],
    );
    let fault =
        decode(Wire::Json11, "DescribeThing", &[("Name", "a")]).expect_err("a wire it does not speak");
    assert_eq!(fault.code, "InvalidAction");
}

#[test]
fn declared_and_common_errors_leave() {
    let call = decode(Wire::Json10, "DescribeThing", &[("Name", "none")]).expect("a call");
    let fault = with_cx(|cx| call.answer(cx)).expect_err("there is none");
    assert_eq!((fault.code.as_ref(), fault.status), ("ThingNotFound", 404));
    for (name, code) in [("declared", "Broken"), ("common", "InvalidParameterValue")] {
        let call = decode(Wire::Query, "BreakThing", &[("Name", name)]).expect("a call");
        assert_eq!(with_cx(|cx| call.decide(cx)).expect_err(name).code, code);
    }
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "BreakThing does not declare ThingNotFound")]
fn another_error_is_caught_on_its_way_out() {
    let call = decode(Wire::Query, "BreakThing", &[("Name", "other")]).expect("a call");
    let _ = with_cx(|cx| call.decide(cx));
}
