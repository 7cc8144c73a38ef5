//! Operations as their callers see them: a form in, a document or a code out, with the commands in between.

mod errors;
mod events;
mod limits;
mod list;
mod node_types;
mod parameter_groups;
mod quotas;
mod subnet_groups;
mod transcripts;

use aws_operations::{Cx, Quotas};
use aws_protocol::protocol::Signs;
use aws_protocol::query::Limits;
use aws_protocol::{Fault, Wire};
use elasticache::SERVICE;
use fleet::{AddressPool, Command, DeploymentId, Fleet};

const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";

/// A region and its clock.
struct Host {
    fleet: Fleet,
    now_ms: u64,
    quotas: Quotas,
}

impl Host {
    fn new() -> Host {
        Host {
            fleet: Fleet::new(AddressPool::Loopback { block: 1, last: 0 }),
            now_ms: 1_795_392_000_000,
            quotas: Quotas::default(),
        }
    }

    /// Calls an operation as the control plane does: decoded, decided, applied, answered.
    fn call(&mut self, form: &str) -> Result<String, Fault> {
        let form = format!("Version=2015-02-02&{form}");
        let (signs, limits) = (Signs::default(), Limits::default());
        let call = SERVICE.decode(Wire::Query, &signs, form.as_bytes(), &limits, "id")?;
        let commands = call.decide(&self.cx())?;
        for command in &commands {
            self.apply(command);
        }
        let answer = call.answer(&self.cx())?;
        Ok(String::from_utf8(answer.body).expect("XML is text"))
    }

    fn cx(&self) -> Cx<'_> {
        Cx { fleet: &self.fleet, region: REGION, account: ACCOUNT, now_ms: self.now_ms, quotas: &self.quotas }
    }

    fn apply(&mut self, command: &Command) {
        self.fleet.apply(self.now_ms, REGION, command).expect("a command fits the state it was decided on");
    }

    /// All that was asked for comes about, as the nodes would report it.
    fn settle(&mut self, group: &str) {
        let id = DeploymentId::Group(group.to_owned());
        let deployment = self.fleet.deployment(REGION, &id).expect("it is there");
        let members: Vec<String> = deployment.members().map(|(_, member)| member.name.clone()).collect();
        for member in members {
            self.apply(&Command::Serves { id: id.clone(), member });
        }
        self.apply(&Command::Settle { id });
    }
}

/// Expects a code and a part of the text.
#[track_caller]
fn refuses(host: &mut Host, form: &str, code: &str, text: &str) {
    let before = host.fleet.clone();
    let fault = host.call(form).expect_err(form);
    assert_eq!(fault.code, code, "{form}: {fault}");
    assert!(fault.message.contains(text), "{form}: {fault}");
    assert_eq!(host.fleet, before, "a refused call changes nothing");
}
