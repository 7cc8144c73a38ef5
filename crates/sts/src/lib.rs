//! The operations of STS. Tools ask it who they are before they ask anybody for anything.
#![forbid(unsafe_code)]

mod get_caller_identity;
mod model;

use aws_operations::{Entry, Service};
use aws_protocol::Wire;
use aws_protocol::wire::Names;

/// STS.
pub static SERVICE: Service = Service {
    scope: "sts",
    wires: &[Wire::Query],
    version: "2011-06-15",
    names: Names {
        xml: "https://sts.amazonaws.com/doc/2011-06-15/",
        target: "",
        shapes: "",
        speaks_query: false,
    },
    model: &model::MODEL,
    operations: &[Entry::of::<get_caller_identity::GetCallerIdentity>()],
    quotas: &[],
    input_fault: Wire::input_fault,
};

#[cfg(test)]
mod tests {
    use super::*;
    use aws_operations::{Cx, Quotas};
    use aws_protocol::protocol::Signs;
    use aws_protocol::query::Limits;
    use fleet::{AddressPool, Fleet};

    fn call(form: &str) -> Result<String, String> {
        let (signs, limits) = (Signs::default(), Limits::default());
        let call = SERVICE.decode(Wire::Query, &signs, form.as_bytes(), &limits, "id");
        let call = call.map_err(|fault| fault.code.into_owned())?;
        let fleet = Fleet::new(AddressPool::Loopback { block: 1, last: 0 });
        let cx = Cx {
            fleet: &fleet,
            region: "us-east-1",
            account: "000000000000",
            now_ms: 0,
            quotas: Quotas::AWS,
        };
        let response = call.answer(&cx).map_err(|fault| fault.code.into_owned())?;
        Ok(String::from_utf8_lossy(&response.body).into_owned())
    }

    #[test]
    fn who_calls_is_the_root() {
        let answer = call("Action=GetCallerIdentity&Version=2011-06-15").expect("an answer");
        assert!(answer.contains("<Arn>arn:aws:iam::000000000000:root</Arn>"), "{answer}");
    }

    #[test]
    fn what_is_not_built_is_told_from_what_is_not_there() {
        assert_eq!(call("Action=AssumeRole&Version=2011-06-15"), Err("NotImplemented".to_owned()));
        assert_eq!(call("Action=DescribeEvents&Version=2011-06-15"), Err("InvalidAction".to_owned()));
        assert_eq!(call("Action=GetCallerIdentity&Version=2015-02-02"), Err("InvalidAction".to_owned()));
    }
}
