//! Packages that are written and checked with cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::source::Kind;

pub(crate) struct Packages {
    root: PathBuf,
    framework: PathBuf,
}

impl Packages {
    /// A folder for them, with everything that they depend on checked.
    pub(crate) fn new() -> Self {
        let framework = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is above");
        let root = framework.join("target/compile");
        let this = Self { root, framework: framework.to_owned() };
        this.write(Kind::Plain, 1);
        this.cargo(Kind::Plain, 1);
        this
    }

    fn folder(&self, kind: Kind, count: usize) -> PathBuf {
        self.root.join(format!("{}_{count}", kind.name()))
    }

    fn write(&self, kind: Kind, count: usize) {
        let folder = self.folder(kind, count);
        std::fs::create_dir_all(folder.join("src")).expect("the folder can be made");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).expect("the file can be written");
        };
        let core = self.framework.join("cqrs-core");
        write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                 [dependencies]\ncqrs-core = {{ path = \"{}\" }}\n\
                 serde = {{ version = \"1\", features = [\"derive\"] }}\n",
                kind.name(),
                core.display()
            ),
        );
        let lock = self.framework.join("Cargo.lock");
        std::fs::copy(lock, folder.join("Cargo.lock")).expect("it can be copied");
        write("src/lib.rs", &kind.source(count));
        if let Some(lock) = kind.lock(count) {
            write("schema.lock", &lock);
        }
    }

    fn cargo(&self, kind: Kind, count: usize) {
        let status = Command::new(env!("CARGO"))
            .args(["check", "--offline", "--quiet"])
            .env("CARGO_TARGET_DIR", self.root.join("target"))
            .env("CARGO_BUILD_JOBS", "1")
            .env("CARGO_INCREMENTAL", "0")
            .env_remove("RUSTFLAGS")
            .current_dir(self.folder(kind, count))
            .status();
        assert!(status.expect("cargo runs").success(), "{} compiles", kind.name());
    }

    /// Seconds of the processor that checking each kind takes, the least of
    /// some rounds over all of them.
    pub(crate) fn check(&self, kinds: &[Kind], count: usize, rounds: usize) -> Vec<f64> {
        for kind in kinds {
            self.write(*kind, count);
            self.cargo(*kind, count);
        }
        let mut least = vec![f64::INFINITY; kinds.len()];
        for _ in 0..rounds {
            for (kind, least) in kinds.iter().zip(&mut least) {
                *least = least.min(self.once(*kind, count));
            }
        }
        least
    }

    fn once(&self, kind: Kind, count: usize) -> f64 {
        // A file that is written again is checked again.
        self.write(kind, count);
        let before = children();
        self.cargo(kind, count);
        children() - before
    }
}

/// Seconds of the processor that ended children have taken (proc(5), fields
/// `cutime` and `cstime` of `stat`, in ticks of a hundredth).
fn children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("it runs on Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name stands in parentheses");
    let field = |index: usize| -> f64 {
        let text = fields.split_whitespace().nth(index).expect("there are that many fields");
        text.parse().expect("it is a number")
    };
    (field(13) + field(14)) / 100.0
}
