//! `engram status`: the region as a table, or as JSON for scripts.

use crate::charts::size;
use anyhow::Result;
use region::RegionView;

/// The options of `engram status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) data: crate::data_directory::DataDirectory,
    /// Everything, as one JSON document
    #[arg(long)]
    json: bool,
}

const HEAD: [&str; 9] = ["ID", "STATUS", "NODE", "ROLE", "AZ", "PROCESS", "MEMORY", "KEYS", "ENDPOINT"];

/// Asks the control plane that runs on the data directory.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let regions = region::whereabouts::ask(&arguments.data.path()?)?;
    crate::console::print(&match arguments.json {
        true => serde_json::to_string_pretty(&regions)? + "\n",
        false => table(&regions),
    })
}

/// A table a region; a deployment has a line of its own and one for each node.
fn table(regions: &[RegionView]) -> String {
    let mut text = String::new();
    for region in regions {
        let mut rows: Vec<[String; 9]> = Vec::new();
        if !region.deployments.is_empty() {
            rows.push(HEAD.map(str::to_owned));
        }
        for deployment in &region.deployments {
            let endpoint = match &deployment.reader_endpoint {
                Some(reader) => format!("{} (reader {reader})", deployment.primary_endpoint),
                None => deployment.primary_endpoint.clone(),
            };
            let mut row: [String; 9] = Default::default();
            row[0].clone_from(&deployment.id);
            row[1].clone_from(&deployment.status);
            row[2] = format!("{} {}", deployment.engine, deployment.engine_version);
            row[4].clone_from(&deployment.node_type);
            row[8] = endpoint;
            rows.push(row);
            for node in &deployment.nodes {
                let memory = format!(
                    "{} of {}",
                    size(node.used_memory_bytes as f64),
                    size(node.maxmemory_bytes as f64)
                );
                rows.push([
                    String::new(),
                    node.status.clone(),
                    node.member.clone(),
                    node.role.clone(),
                    node.availability_zone.clone(),
                    match node.pid {
                        Some(pid) => format!("{} {pid}", node.process),
                        None => node.process.clone(),
                    },
                    memory,
                    node.keys.to_string(),
                    node.endpoint.clone(),
                ]);
            }
        }
        text.push_str(&format!("Region {}\n", region.name));
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            text.push_str(&format!("  {}\n", line.trim_end()));
        }
        for deployment in &region.deployments {
            for reason in deployment.reason.iter() {
                text.push_str(&format!("  {}: {reason}\n", deployment.id));
            }
            for node in &deployment.nodes {
                if let Some(reason) = &node.reason {
                    text.push_str(&format!("  {} ({}): {reason}\n", node.member, node.node));
                }
            }
        }
        for stranger in &region.strangers {
            text.push_str(&format!("  {}: {stranger}\n", stranger.node));
        }
    }
    if regions.is_empty() {
        text.push_str("Nothing has been made yet.\n");
    }
    text
}
