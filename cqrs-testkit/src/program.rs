//! The programs of servers that tests start: found, or installed where that is
//! possible.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

/// Names a folder whose programs go before all others: those of another version
/// of PostgreSQL.
const FOLDER: &str = "CQRS_POSTGRES_BIN";

/// A program, installed from a package of Debian's when that is possible.
pub(crate) fn installed(name: &str, package: &str) -> Option<PathBuf> {
    find(name).or_else(|| {
        install(name, package);
        find(name)
    })
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<_> =
            versions.flatten().map(|version| version.path().join("bin")).collect();
        versions.sort();
        // Debian's wrappers on the path do not take the options of the programs.
        folders.splice(0..0, versions.into_iter().rev());
    }
    folders.splice(0..0, std::env::var_os(FOLDER).map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn install(name: &str, package: &str) {
    if is_root() && Path::new("/usr/bin/apt-get").exists() {
        let _lock = lock(&std::env::temp_dir().join("cqrs-install.lock"));
        if find(name).is_none() {
            let apt = |arguments: &[&str]| {
                let mut command = Command::new("apt-get");
                let _ = command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").output();
            };
            apt(&["update"]);
            apt(&["install", "-y", package]);
        }
    }
}

/// Locks a file among processes until it is dropped.
pub(crate) fn lock(path: &Path) -> fs::File {
    let file = fs::File::options().create(true).truncate(false).write(true).open(path);
    let file = file.expect("the system's folder for temporary files can be written");
    file.lock().expect("files can be locked");
    file
}

pub(crate) fn user() -> String {
    id("-u")
}

pub(crate) fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| user() == "0")
}

fn id(option: &str) -> String {
    let output = Command::new("id").arg(option).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

pub(crate) fn pause(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

pub(crate) fn run(command: &mut Command, what: &str) {
    let Output { status, stderr, .. } =
        command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(status.success(), "{what}: {}", String::from_utf8_lossy(&stderr));
}
