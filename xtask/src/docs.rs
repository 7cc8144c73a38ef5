//! Generated pages: the `pages` crate writes them from the program's tables, and its test fails when they are out of date.

use anyhow::Result;

use crate::run::Task;

/// Writes them. True if that worked.
pub(crate) fn docs() -> Result<bool> {
    Ok(Task::cargo(&["run", "--quiet", "--package", "pages"]).run()?.success)
}
