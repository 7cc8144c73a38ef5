//! Writes the generated pages: `cargo xtask docs`.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use files::{Directory, Permission};

fn main() -> Result<()> {
    let directory = Directory::at(pages::directory());
    for page in pages::pages() {
        let published = directory.publish(page.name, Permission::AsBefore, page.text.as_bytes());
        published.with_context(|| format!("write {}", page.name))?;
        output::print(&format!("docs/{}\n", page.name))?;
    }
    Ok(())
}
