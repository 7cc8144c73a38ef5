//! Users written out: as `ACL LIST`, `ACL SAVE` and `CONFIG REWRITE` show them, and as `ACL GETUSER` does.
//!
//! ```text
//! on nopass sanitize-payload #<hash> ~key %R~key &channel db=0,1 +@all -get (~key resetchannels -@all +get)
//! └──────── the user ──────────────┘ └──── its root selector ───────────┘ └──── further selectors ────────┘
//! ```
//!
//! What differs: Redis 7.0 says nothing of payloads before somebody does; Valkey 9.1 never does. Databases came with 9.1.

use crate::password::PasswordHash;
use crate::selector::{Databases, Selector};
use crate::user::{Payloads, User};
use crate::{Catalogue, split};

/// What `ACL GETUSER` tells of a user, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// `on`, `nopass` and the like.
    pub flags: Vec<&'static str>,
    /// The hashes of its passwords.
    pub passwords: Vec<String>,
    /// The rules of the user itself.
    pub root: SelectorDetails,
    /// Its further selectors.
    pub selectors: Vec<SelectorDetails>,
}

/// What `ACL GETUSER` tells of a selector, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectorDetails {
    /// Its rules for commands.
    pub commands: Vec<u8>,
    /// Its patterns of keys.
    pub keys: Vec<u8>,
    /// Its patterns of channels.
    pub channels: Vec<u8>,
    /// Its databases, in a version that has rules for them.
    pub databases: Option<String>,
}

impl User {
    /// The rules that make it, behind `user NAME ` in ACL LIST and in files.
    pub fn describe(&self, catalogue: &Catalogue) -> Vec<u8> {
        self.written(catalogue, true)
    }

    /// The same without the hashes of its passwords.
    pub fn describe_without_passwords(&self, catalogue: &Catalogue) -> Vec<u8> {
        self.written(catalogue, false)
    }

    fn written(&self, catalogue: &Catalogue, passwords: bool) -> Vec<u8> {
        let mut words: Vec<Vec<u8>> =
            self.flags(catalogue).iter().map(|flag| flag.as_bytes().to_vec()).collect();
        let hashes = self.passwords.iter().filter(|_| passwords);
        words.extend(hashes.map(|hash| format!("#{}", hash.hex()).into_bytes()));
        words.extend(self.selectors[0].rules(catalogue));
        for selector in &self.selectors[1..] {
            let rules: Vec<Vec<u8>> = selector.rules(catalogue).into_iter().map(split::quoted).collect();
            words.push([b"(", &*rules.join(&b' '), b")"].concat());
        }
        words.join(&b' ')
    }

    /// What ACL GETUSER tells.
    pub fn details(&self, catalogue: &Catalogue) -> Details {
        Details {
            flags: self.flags(catalogue),
            passwords: self.passwords.iter().map(PasswordHash::hex).collect(),
            root: self.selectors[0].details(catalogue),
            selectors: self.selectors[1..].iter().map(|selector| selector.details(catalogue)).collect(),
        }
    }

    fn flags(&self, catalogue: &Catalogue) -> Vec<&'static str> {
        let mut flags = vec![if self.enabled { "on" } else { "off" }];
        if self.any_password {
            flags.push("nopass");
        }
        if !catalogue.profile().has("9.1.0") {
            match self.payloads {
                Payloads::Unsaid => {}
                Payloads::Sanitized => flags.push("sanitize-payload"),
                Payloads::Skipped => flags.push("skip-sanitize-payload"),
            }
        }
        flags
    }
}

impl Selector {
    fn key_rules(&self) -> Vec<Vec<u8>> {
        if self.all_keys { vec![b"~*".to_vec()] } else { self.keys.iter().map(|keys| keys.rule()).collect() }
    }

    fn channel_rules(&self) -> Vec<Vec<u8>> {
        match self.all_channels {
            true => vec![b"&*".to_vec()],
            false => self.channels.iter().map(|channels| [b"&", channels.text()].concat()).collect(),
        }
    }

    /// The rule for databases, unless all may be used.
    pub(crate) fn database_rule(&self) -> Option<Vec<u8>> {
        match &self.databases {
            Databases::All => None,
            Databases::Only(list) if list.is_empty() => Some(b"resetdbs".to_vec()),
            Databases::Only(list) => Some(databases(list).into_bytes()),
        }
    }

    fn rules(&self, catalogue: &Catalogue) -> Vec<Vec<u8>> {
        let mut rules = self.key_rules();
        if !self.all_channels {
            rules.push(b"resetchannels".to_vec());
        }
        rules.extend(self.channel_rules());
        rules.extend(self.database_rule());
        rules.extend(self.commands.describe(catalogue));
        rules
    }

    fn details(&self, catalogue: &Catalogue) -> SelectorDetails {
        SelectorDetails {
            commands: self.commands.describe(catalogue).join(&b' '),
            keys: self.key_rules().join(&b' '),
            channels: self.channel_rules().join(&b' '),
            databases: catalogue.profile().has("9.1.0").then(|| match &self.databases {
                Databases::All => "alldbs".to_owned(),
                Databases::Only(list) if list.is_empty() => String::new(),
                Databases::Only(list) => databases(list),
            }),
        }
    }
}

fn databases(list: &[u32]) -> String {
    let list: Vec<String> = list.iter().map(u32::to_string).collect();
    format!("db={}", list.join(","))
}
