//! CPU per request where every key is a cache miss.

use super::Case;
use crate::load::{Command, Keys, Load};

const VALUE_BYTES: usize = 64;

pub(super) const CASE: Case = Case {
    name: "large",
    about: "GET over 10 million keys of 64 B, P16; CPU aimed at: ≤ 0.35x",
    prepare: |setting| {
        let keys = setting.size(10_000_000, 200_000);
        let server = setting.start()?;
        server.fill(keys, VALUE_BYTES)?;
        let load =
            Load::new(Command::Get, 16, Keys::Random(keys), VALUE_BYTES, setting.size(4_000_000, 200_000));
        Ok(Box::new(move || server.measure("GET P16", &load)))
    },
};
