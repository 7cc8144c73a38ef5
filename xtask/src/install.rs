//! What the tests need from outside, installed when it is missing: Debian packages if we are root, Python packages in
//! an environment of our own where cargo builds. A redis-server that apt brings up as a service is left alone; ours listen
//! on private sockets.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::run::Task;
use crate::{root, target_dir};

/// The outcome of a search: where it is, or why it is not available.
pub(crate) type Found<T> = Result<T, String>;

/// A program of a Debian package.
pub(crate) fn debian_package(package: &str, program: &str) -> Found<PathBuf> {
    if let Some(path) = on_path(program) {
        return Ok(path);
    }
    install(&[package], || on_path(program).is_some())?;
    on_path(program).ok_or_else(|| format!("{package} was installed, but {program} is not on PATH"))
}

/// The Python of an environment with the packages of `tests/requirements.txt`.
pub(crate) fn python() -> Found<PathBuf> {
    debian_package("python3", "python3")?;
    let has_venv = || {
        let output = Command::new("python3").args(["-c", "import venv, ensurepip"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !has_venv() {
        install(&["python3-venv"], has_venv)?;
    }
    let venv = target_dir().join("venv");
    let python = venv.join("bin/python");
    let wanted =
        fs::read_to_string(root().join("tests/requirements.txt")).map_err(|error| error.to_string())?;
    let stamp = venv.join("installed-requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    println!("installing the Python packages of tests/requirements.txt in {}", venv.display());
    succeed(Task::new("python3").args(&["-m", "venv", "--clear"]).args(&[&venv]), "create the environment")?;
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "tests/requirements.txt"];
    succeed(Task::new(&python).args(&pip), "install the Python packages")?;
    fs::write(&stamp, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

/// The rustup toolchain `nightly`, which is used if it is there and not installed.
pub(crate) fn nightly() -> Found<()> {
    let output = Command::new("rustup").args(["toolchain", "list"]).output();
    let listed = output.map_err(|_| "no rustup, so no nightly toolchain".to_owned())?;
    let has_nightly = String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.starts_with("nightly"));
    if has_nightly {
        Ok(())
    } else {
        Err("no nightly toolchain (rustup toolchain install nightly)".to_owned())
    }
}

fn install(packages: &[&str], is_there: impl Fn() -> bool) -> Found<()> {
    let names = packages.join(" ");
    let by_hand = format!("{names} is missing: apt-get install {names}");
    if on_path("apt-get").is_none() || !is_root() {
        return Err(by_hand);
    }
    println!("installing the Debian package {names}");
    let apt = |args: &[&str]| {
        Task::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(&["-q", "-y"]).args(args)
    };
    let get = |refresh: bool| -> Found<()> {
        if refresh {
            succeed(apt(&["update"]), "apt-get update")?;
        }
        succeed(apt(&["install", "--no-install-recommends"]).args(packages), "apt-get install")
    };
    // A fresh machine has no package lists yet.
    get(false).or_else(|_| get(true))?;
    if is_there() { Ok(()) } else { Err(format!("{names} was installed, but is not to be found")) }
}

fn succeed(task: Task, what: &str) -> Found<()> {
    match task.run() {
        Ok(finished) if finished.success => Ok(()),
        Ok(_) => Err(format!("{what} failed")),
        Err(error) => Err(format!("{what}: {error:#}")),
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
