//! A user's workspace, made for a test and built with cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A workspace outside of the framework's own.
pub(crate) struct Workspace {
    root: PathBuf,
    framework: PathBuf,
    /// Packages of two workspaces share a folder of targets, and are told
    /// apart by their versions.
    version: u32,
}

/// What a command has printed.
pub(crate) struct Ran {
    pub(crate) ok: bool,
    pub(crate) text: String,
}

impl Workspace {
    /// An empty workspace of these packages.
    pub(crate) fn new(name: &str, packages: &[&str]) -> Self {
        let framework = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is above");
        let root = framework.join("target/workspaces").join(name);
        if root.exists() {
            std::fs::remove_dir_all(&root).expect("the last run's can be removed");
        }
        let version = name.bytes().fold(0_u32, |all, byte| all * 31 % 99_991 + u32::from(byte));
        let this = Self { root, framework: framework.to_owned(), version };
        let members = packages.iter().map(|package| format!("\"{package}\"")).collect::<Vec<_>>();
        this.write(
            "Cargo.toml",
            &format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", members.join(", ")),
        );
        // The versions that the framework itself was built with; all are at hand.
        std::fs::copy(framework.join("Cargo.lock"), this.root.join("Cargo.lock"))
            .expect("it can be copied");
        this
    }

    /// Adds the manifest of a package that depends on these crates, of which
    /// those of the framework are known by their names.
    pub(crate) fn package(&self, name: &str, dependencies: &[&str]) {
        let line = |one: &&str| match *one {
            one if one.starts_with("cqrs-") => {
                format!("{one} = {{ path = \"{}\" }}\n", self.framework.join(one).display())
            }
            one => format!("{one}\n"),
        };
        let lines: String = dependencies.iter().map(line).collect();
        self.write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.{}\"\nedition = \"2024\"\n\n\
                 [dependencies]\n{lines}",
                self.version
            ),
        );
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        let folder = path.parent().expect("a file stands in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }

    pub(crate) fn read(&self, path: &str) -> String {
        let path = self.path(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Changes a file.
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} does not hold\n{from}");
        self.write(path, &text.replace(from, to));
    }

    /// Runs cargo; all that it prints, without colours and places of this
    /// machine.
    pub(crate) fn cargo(&self, arguments: &str, mode: &str) -> Ran {
        self.cargo_with(arguments, mode, &[])
    }

    /// Runs cargo, with arguments for the program that it runs.
    pub(crate) fn cargo_with(&self, arguments: &str, mode: &str, own: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO"))
            .args(arguments.split(' '))
            .arg("--offline")
            .args((!own.is_empty()).then_some("--"))
            .args(own)
            .env("CARGO_TARGET_DIR", self.framework.join("target/outside"))
            .env("CARGO_TERM_COLOR", "never")
            .env("CQRS_SCHEMA", mode)
            .env_remove("RUSTFLAGS")
            .env_remove("RUST_BACKTRACE")
            .current_dir(&self.root)
            .output()
            .expect("cargo runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let text = text
            .replace(&self.root.display().to_string(), "$ROOT")
            .replace(&self.framework.display().to_string(), "$FRAMEWORK");
        Ran { ok: output.status.success(), text }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert!(self.ok, "it should succeed:\n{}", self.text);
        self.text
    }

    #[track_caller]
    pub(crate) fn fails(self) -> String {
        assert!(!self.ok, "it should fail:\n{}", self.text);
        self.text
    }
}

/// Every line of the second text stands in the first, in this order.
#[track_caller]
pub(crate) fn says(text: &str, expected: &str) {
    let mut lines = text.lines().map(str::trim_end);
    for line in expected.lines() {
        let found = lines.any(|one| one.trim_start() == line.trim_start());
        assert!(found, "this line is missing, or stands elsewhere:\n{line}\n\nin\n{text}");
    }
}
