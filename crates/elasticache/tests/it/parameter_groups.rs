//! Parameter groups, and what uses them.

use crate::{Host, refuses};
use fleet::{Command, DeploymentId, ParameterStatus};

const CREATE: &str = "Action=CreateCacheParameterGroup&CacheParameterGroupName=Own&CacheParameterGroupFamily=valkey8&Description=x";
const WEB: &str = "Action=CreateReplicationGroup&ReplicationGroupId=web&ReplicationGroupDescription=x&Engine=valkey\
    &CacheNodeType=cache.t4g.micro&NumCacheClusters=2&CacheParameterGroupName=OWN";

fn modify(pairs: &[(&str, &str)]) -> String {
    format!("Action=ModifyCacheParameterGroup&CacheParameterGroupName=own{}", named(pairs))
}

fn named(pairs: &[(&str, &str)]) -> String {
    let one = |(at, (name, value)): (usize, &(&str, &str))| {
        let place = format!("&ParameterNameValues.ParameterNameValue.{}", at + 1);
        format!("{place}.ParameterName={name}{place}.ParameterValue={value}")
    };
    pairs.iter().enumerate().map(one).collect()
}

/// The names and values of one source.
fn listed(host: &mut Host, source: &str) -> Vec<(String, String)> {
    let (mut all, mut marker) = (Vec::new(), String::new());
    loop {
        let form = format!(
            "Action=DescribeCacheParameters&CacheParameterGroupName=own&Source={source}&MaxRecords=20{marker}"
        );
        let page = host.call(&form).unwrap();
        let field = |row: &str, name: &str| {
            let value = row.split_once(&format!("<{name}>")).map(|(_, rest)| rest.split('<').next().unwrap());
            value.unwrap_or_default().to_owned()
        };
        let rows = page.split("<ParameterName>").skip(1);
        all.extend(rows.map(|row| (row.split('<').next().unwrap().to_owned(), field(row, "ParameterValue"))));
        let Some((_, rest)) = page.split_once("<Marker>") else { return all };
        marker = format!("&Marker={}", rest.split('<').next().unwrap());
    }
}

#[test]
fn a_group_is_made_changed_reset_and_deleted() {
    let mut host = Host::new();
    let made = host.call(CREATE).unwrap();
    let shown = "<CacheParameterGroup><CacheParameterGroupName>own</CacheParameterGroupName>\
         <CacheParameterGroupFamily>valkey8</CacheParameterGroupFamily><Description>x</Description><IsGlobal>false</IsGlobal>\
         <ARN>arn:aws:elasticache:us-east-1:000000000000:parametergroup:own</ARN></CacheParameterGroup>";
    assert!(made.contains(shown), "{made}");
    refuses(&mut host, CREATE, "CacheParameterGroupAlreadyExists", "Parameter group own already exists");
    assert!(listed(&mut host, "user").is_empty());
    let of_family = listed(&mut host, "");
    assert!(of_family.len() > 50 && of_family.contains(&("timeout".into(), "0".into())), "{of_family:?}");
    let changed = host.call(&modify(&[("timeout", "20"), ("maxmemory-policy", "allkeys-lru")])).unwrap();
    assert!(changed.contains("<CacheParameterGroupName>own</CacheParameterGroupName>"), "{changed}");
    let own = |host: &mut Host| listed(host, "user");
    let both =
        [("maxmemory-policy".to_owned(), "allkeys-lru".to_owned()), ("timeout".to_owned(), "20".to_owned())];
    assert_eq!(own(&mut host), both);
    assert_eq!(listed(&mut host, "system").len() + 2, of_family.len());
    let reset = "Action=ResetCacheParameterGroup&CacheParameterGroupName=own";
    host.call(&format!("{reset}{}", named(&[("timeout", "")]))).unwrap();
    assert_eq!(own(&mut host), both[..1]);
    refuses(&mut host, reset, "InvalidParameterCombination", "must be specified");
    let all = format!("{reset}&ResetAllParameters=true");
    let with_names = format!("{all}{}", named(&[("timeout", "")]));
    refuses(&mut host, &with_names, "InvalidParameterCombination", "cannot be specified");
    host.call(&all).unwrap();
    assert!(own(&mut host).is_empty());
    let delete = "Action=DeleteCacheParameterGroup&CacheParameterGroupName=OWN";
    host.call(delete).unwrap();
    for (form, text) in [
        (delete, "CacheParameterGroupnot found: OWN"),
        (&modify(&[("timeout", "20")]), "CacheParameterGroup not found: own"),
        ("Action=DescribeCacheParameters&CacheParameterGroupName=own", "CacheParameterGroup own not found."),
        (
            "Action=DescribeCacheParameterGroups&CacheParameterGroupName=own",
            "CacheParameterGroup own not found.",
        ),
    ] {
        refuses(&mut host, form, "CacheParameterGroupNotFound", text);
    }
}

#[test]
fn default_groups_are_there_for_every_family_and_stay_as_they_are() {
    let mut host = Host::new();
    let all = host.call("Action=DescribeCacheParameterGroups").unwrap();
    assert_eq!(all.matches("<CacheParameterGroup>").count(), 21);
    for name in ["default.valkey8", "default.redis7.cluster.on", "default.memcached1.6"] {
        assert!(all.contains(&format!("<CacheParameterGroupName>{name}<")), "{all}");
        let modify = format!(
            "Action=ModifyCacheParameterGroup&CacheParameterGroupName={name}{}",
            named(&[("timeout", "20")])
        );
        let text = format!("The parameter group {name} is a default group and cannot be modified.");
        refuses(&mut host, &modify, "InvalidParameterValue", &text);
        let delete = format!("Action=DeleteCacheParameterGroup&CacheParameterGroupName={name}");
        refuses(&mut host, &delete, "InvalidParameterValue", "cannot be deleted");
    }
    let on = "Action=DescribeCacheParameters&CacheParameterGroupName=default.redis7.cluster.on&Source=system";
    let on = host.call(on).unwrap();
    assert!(on.contains("<ParameterName>cluster-enabled</ParameterName><ParameterValue>yes<"), "{on}");
}

#[test]
fn wrong_calls_are_told() {
    let mut host = Host::new();
    let family = CREATE.replace("valkey8", "Valkey6");
    let text = "CacheParameterGroupFamily Valkey6 is not a valid parameter group family.";
    refuses(&mut host, &family, "InvalidParameterValue", text);
    for name in ["1a", "a_b", "a--b", "default.valkey8x"] {
        refuses(&mut host, &CREATE.replace("Own", name), "InvalidParameterValue", "CacheParameterGroupName");
    }
    refuses(&mut host, &CREATE.replace("=x", "="), "InvalidParameterValue", "Description");
    host.call(CREATE).unwrap();
    for (pair, code, text) in [
        (("time-out", "0"), "InvalidParameterValue", "Parameter time-out doesn't exist"),
        (("maxclients", "1"), "InvalidParameterValue", "The parameter maxclients cannot be modified."),
        (("timeout", "19"), "InvalidParameterValue", "Allowed values: 0,20-2147483647"),
        // The engine's limits, which the service does not tell.
        (("timeout", "2147483648"), "InvalidParameterValue", "Allowed values: 0,20-2147483647"),
        (("databases", "65536"), "InvalidParameterValue", "Allowed values: 1-65535"),
        (("reserved-memory-percent", "07"), "InvalidParameterValue", "Allowed values: 0-100"),
        (("maxmemory-policy", "lru"), "InvalidParameterValue", "allkeys-lru"),
    ] {
        refuses(&mut host, &modify(&[("slowlog-max-len", "1"), pair]), code, text);
    }
    refuses(
        &mut host,
        &modify(&[("databases", "1"), ("databases", "2")]),
        "InvalidParameterCombination",
        "twice",
    );
    refuses(&mut host, &modify(&[]), "InvalidParameterValue", "ParameterNameValues");
    let many: Vec<(&str, &str)> = (0..21).map(|_| ("timeout", "0")).collect();
    let text = "Cannot modify more than 20 parameters in a single request";
    refuses(&mut host, &modify(&many), "InvalidParameterCombination", text);
    let source = "Action=DescribeCacheParameters&CacheParameterGroupName=own&Source=users";
    refuses(&mut host, source, "InvalidParameterValue", "user, system, engine-default");
}

#[test]
fn what_uses_a_group_has_its_parameters_and_keeps_it() {
    let mut host = Host::new();
    refuses(&mut host, WEB, "CacheParameterGroupNotFound", "CacheParameterGroup not found: OWN");
    host.call(&CREATE.replace("valkey8", "redis7")).unwrap();
    let text = "Expected a parameter group of family valkey8 but found one of family redis7";
    refuses(&mut host, WEB, "InvalidParameterCombination", text);
    host.call("Action=DeleteCacheParameterGroup&CacheParameterGroupName=own").unwrap();
    host.call(CREATE).unwrap();
    host.call(&modify(&[("cluster-enabled", "yes")])).unwrap();
    refuses(&mut host, WEB, "InvalidParameterValue", "not supported by Engram yet");
    host.call(&modify(&[("cluster-enabled", "no"), ("databases", "32")])).unwrap();
    host.call(WEB).unwrap();
    host.settle("web");
    let parameters = |host: &Host| host.fleet.deployments().next().unwrap().1.parameters.clone();
    assert_eq!(parameters(&host).at_start["databases"], "32");
    host.call(&modify(&[("timeout", "20")])).unwrap();
    assert_eq!(parameters(&host).at_once["timeout"], "20");
    let shown =
        host.call("Action=DescribeCacheClusters&CacheClusterId=web-001&ShowCacheNodeInfo=true").unwrap();
    assert!(
        shown.contains(
            "<CacheParameterGroupName>own</CacheParameterGroupName><ParameterApplyStatus>applying<"
        ),
        "{shown}"
    );
    assert!(shown.contains("<ParameterGroupStatus>applying<"), "{shown}");
    for member in ["web-001", "web-002"] {
        let (id, member) = (DeploymentId::Group("web".into()), member.to_owned());
        host.apply(&Command::Configured { id, member, status: ParameterStatus::InSync });
    }
    host.call(&modify(&[("timeout", "20")])).unwrap();
    let shown = host.call("Action=DescribeCacheClusters").unwrap();
    assert_eq!(shown.matches("<ParameterApplyStatus>in-sync<").count(), 2, "nothing is different: {shown}");
    let used = "cannot be modified while the parameter group own is in use";
    refuses(&mut host, &modify(&[("databases", "16")]), "InvalidCacheParameterGroupState", used);
    let reset = "Action=ResetCacheParameterGroup&CacheParameterGroupName=own&ResetAllParameters=true";
    refuses(&mut host, reset, "InvalidCacheParameterGroupState", used);
    let text = "One or more cache clusters are still members of this parameter group own, so the group cannot be deleted.";
    let delete = "Action=DeleteCacheParameterGroup&CacheParameterGroupName=own";
    refuses(&mut host, delete, "InvalidCacheParameterGroupState", text);
    let other =
        "Action=ModifyReplicationGroup&ReplicationGroupId=web&ApplyImmediately=true&CacheParameterGroupName=";
    let text = "default.valkey8 has 16 databases, and nodes have 32, whose data they could not load.";
    refuses(&mut host, &format!("{other}default.valkey8"), "InvalidParameterCombination", text);
    host.call(&CREATE.replace("Own", "wide")).unwrap();
    host.call(&modify(&[("databases", "64"), ("timeout", "30")]).replace("=own", "=wide")).unwrap();
    host.call(&format!("{other}WIDE")).unwrap();
    // Until a reboot no node has them, so they can be taken back; but not what nodes have.
    let pending = |host: &mut Host| {
        for member in ["web-001", "web-002"] {
            let (id, member) = (DeploymentId::Group("web".into()), member.to_owned());
            host.apply(&Command::Configured { id, member, status: ParameterStatus::PendingReboot });
        }
    };
    pending(&mut host);
    refuses(&mut host, &format!("{other}default.valkey8"), "InvalidParameterCombination", text);
    host.call(&format!("{other}own")).unwrap();
    host.call(&format!("{other}WIDE")).unwrap();
    pending(&mut host);
    assert_eq!(
        (parameters(&host).at_once["timeout"].as_str(), parameters(&host).at_start["databases"].as_str()),
        ("30", "64")
    );
    host.call(delete).unwrap();
    let named = |host: &Host| host.fleet.deployments().next().unwrap().1.settings.parameter_group.clone();
    let nothing =
        "Action=ModifyReplicationGroup&ReplicationGroupId=web&CacheParameterGroupName=&ApplyImmediately=true";
    refuses(&mut host, nothing, "InvalidParameterCombination", "No modifications were requested");
    host.call(&format!("{nothing}&ReplicationGroupDescription=y")).unwrap();
    assert_eq!(named(&host), "wide", "an empty name names no group");
    assert!(elasticache::outdated(&host.fleet).is_empty());
}

#[test]
fn groups_have_tags() {
    let mut host = Host::new();
    host.call(&format!("{CREATE}&Tags.Tag.1.Key=team&Tags.Tag.1.Value=a")).unwrap();
    let arn = "ResourceName=arn:aws:elasticache:us-east-1:000000000000:parametergroup:own";
    let added =
        host.call(&format!("Action=AddTagsToResource&{arn}&Tags.Tag.1.Key=k&Tags.Tag.1.Value=v")).unwrap();
    assert_eq!(added.matches("<Tag>").count(), 2);
    host.call(&modify(&[("timeout", "20")])).unwrap();
    let removed = host.call(&format!("Action=RemoveTagsFromResource&{arn}&TagKeys.member.1=k")).unwrap();
    assert_eq!(removed.matches("<Tag>").count(), 1);
    assert_eq!(listed(&mut host, "user").len(), 1);
    let gone = arn.replace(":own", ":gone");
    refuses(
        &mut host,
        &format!("Action=ListTagsForResource&{gone}"),
        "CacheParameterGroupNotFound",
        "gone is not present",
    );
}

#[test]
fn there_are_as_many_groups_as_the_quota_permits() {
    let mut host = Host::new();
    for number in 0..300 {
        host.call(&CREATE.replace("Own", &format!("g{number}"))).unwrap();
    }
    refuses(&mut host, CREATE, "CacheParameterGroupQuotaExceeded", "300");
}
