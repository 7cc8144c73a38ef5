//! The list of operations as data, beside the model.

use crate::{Host, refuses};
use elasticache::SERVICE;

/// Values of required parameters that pass the decoder.
pub(crate) fn required(operation: &str) -> String {
    let declared = SERVICE.model.operation(operation).expect("an operation of the service");
    let value = |name: &&str| match *name {
        "ApplyImmediately" => "&ApplyImmediately=true".to_owned(),
        "CacheNodeIdsToReboot" => "&CacheNodeIdsToReboot.CacheNodeId.1=0001".to_owned(),
        "ParameterNameValues" => "&ParameterNameValues.ParameterNameValue.1.ParameterName=k".to_owned(),
        "SubnetIds" => "&SubnetIds.SubnetIdentifier.1=subnet-00000001".to_owned(),
        "Tags" => "&Tags.Tag.1.Key=k".to_owned(),
        "TagKeys" => "&TagKeys.member.1=k".to_owned(),
        name => format!("&{name}=a"),
    };
    declared.required.iter().map(value).collect()
}

#[test]
fn each_asks_for_what_it_needs_and_refuses_what_it_does_not_know() {
    for operation in SERVICE.operations {
        let (name, required) = (operation.name(), required(operation.name()));
        let form = format!("Action={name}{required}&Nonsense=1");
        refuses(&mut Host::new(), &form, "UnknownParameter", "Nonsense");
        let parts: Vec<&str> = required.split('&').skip(1).collect();
        for missing in &parts {
            let rest: String =
                parts.iter().filter(|part| *part != missing).map(|part| format!("&{part}")).collect();
            let form = format!("Action={name}{rest}");
            refuses(&mut Host::new(), &form, "InvalidParameterValue", "must be provided");
        }
    }
}

/// A parameter that the API has is never unknown: it has an effect or is refused as not built.
#[test]
fn each_knows_all_parameters_of_the_model() {
    let mut known = 0;
    for operation in SERVICE.operations {
        let declared = SERVICE.model.operation(operation.name()).expect("an operation of the service");
        for name in declared.optional {
            let form = format!("Action={}{}&{name}=a", operation.name(), required(operation.name()));
            let code = Host::new().call(&form).err().map(|fault| fault.code.into_owned());
            assert_ne!(code.as_deref(), Some("UnknownParameter"), "{form}");
            known += 1;
        }
    }
    assert!(known > 100, "the model has optional parameters");
}

#[test]
fn what_is_not_in_it_is_no_action() {
    refuses(&mut Host::new(), "Action=Fly", "InvalidAction", "Could not find operation Fly");
    refuses(&mut Host::new(), "Action=AssumeRole", "InvalidAction", "AssumeRole");
    let text = "The operation CreateSnapshot is not supported by Engram yet.";
    refuses(&mut Host::new(), "Action=CreateSnapshot", "NotImplemented", text);
}
