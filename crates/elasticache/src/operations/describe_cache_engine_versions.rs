//! `DescribeCacheEngineVersions`: the versions that can be had here.

use crate::catalogue::{self, EngineVersion};
use crate::{Cx, Operation, paging, shapes};
use aws_protocol::{Fault, Item, Members};
use fleet::Engine;
use serde::{Deserialize, Serialize};

pub(crate) struct DescribeCacheEngineVersions;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    engine: Option<String>,
    engine_version: Option<String>,
    cache_parameter_group_family: Option<String>,
    max_records: Option<i32>,
    marker: Option<String>,
    default_only: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    cache_engine_versions: Members<CacheEngineVersion>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CacheEngineVersion {
    engine: String,
    engine_version: &'static str,
    cache_parameter_group_family: &'static str,
    cache_engine_description: &'static str,
    cache_engine_version_description: String,
}

impl Item for CacheEngineVersion {
    const NAME: &'static str = "CacheEngineVersion";
}

impl Operation for DescribeCacheEngineVersions {
    const NAME: &'static str = "DescribeCacheEngineVersions";
    type Input = Input;
    type Output = Output;

    fn answer(_: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let engine = input.engine.as_deref();
        let is_asked = |version: &&EngineVersion| {
            engine.is_none_or(|name| shapes::engine(name) == Some(version.engine))
                && input
                    .engine_version
                    .as_deref()
                    .is_none_or(|asked| [version.asked, version.full].contains(&asked))
                && input.cache_parameter_group_family.as_deref().is_none_or(|family| version.family == family)
                && (input.default_only != Some(true)
                    || catalogue::default_version(version.engine) == *version)
        };
        let (page, marker) = paging::page(
            Self::NAME,
            catalogue::versions().iter().filter(is_asked).collect(),
            |version| format!("{} {}", version.engine, version.asked),
            input.marker.as_deref(),
            input.max_records,
        )?;
        let describe = |version: &EngineVersion| {
            let name = match version.engine {
                Engine::Redis => "Redis",
                Engine::Valkey => "Valkey",
            };
            CacheEngineVersion {
                engine: version.engine.to_string(),
                engine_version: version.asked,
                cache_parameter_group_family: version.family,
                cache_engine_description: name,
                cache_engine_version_description: format!("{} version {}", name.to_lowercase(), version.full),
            }
        };
        Ok(Output { marker, cache_engine_versions: page.into_iter().map(describe).collect() })
    }
}
