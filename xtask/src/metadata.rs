//! The workspace, as `cargo metadata` describes it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::root;

/// A crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The package's name.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) dir: PathBuf,
    /// Names of the crates that it is built from, without those that only its tests use: a test binary is above all
    /// layers, and may for instance drive a node with the harness of the conformance crate.
    pub(crate) dependencies: Vec<String>,
}

/// All crates in the order of the root's `members`, which is the order of layers.
pub(crate) fn members() -> Result<Vec<Member>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .context("run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("read cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata without packages")?;
    let mut members = packages.iter().map(member).collect::<Result<Vec<_>>>()?;
    let order = listed_order()?;
    let place = |member: &Member| order.iter().position(|dir| root().join(dir) == member.dir);
    if let Some(unlisted) = members.iter().find(|member| place(member).is_none()) {
        bail!("{} is not listed under [workspace] members", unlisted.name);
    }
    members.sort_by_key(place);
    Ok(members)
}

fn member(package: &Value) -> Result<Member> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text is missing");
    let manifest = PathBuf::from(text(&package["manifest_path"])?);
    let dependencies = package["dependencies"].as_array().context("a package without dependencies")?;
    Ok(Member {
        name: text(&package["name"])?,
        dir: manifest.parent().context("a manifest without a folder")?.to_owned(),
        dependencies: dependencies
            .iter()
            .filter(|dependency| dependency["kind"] != "dev")
            .map(|dependency| text(&dependency["name"]))
            .collect::<Result<_>>()?,
    })
}

/// The `members` of the root manifest as they are listed: cargo itself sorts them.
fn listed_order() -> Result<Vec<String>> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml"))?;
    let lines = manifest.lines().map(str::trim);
    let list = lines
        .skip_while(|line| !line.starts_with("members"))
        .skip(1)
        .take_while(|line| !line.starts_with(']'));
    Ok(list.filter_map(|line| line.strip_prefix('"')?.split('"').next().map(str::to_owned)).collect())
}
