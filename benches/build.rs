//! Writes the commands that stand beside the one of the dispatch benchmark.

use std::fmt::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_HANDLERS").is_none() {
        return Ok(());
    }
    let mut source = String::new();
    for n in 1..1_000 {
        write!(
            source,
            "#[derive(Command)] pub(crate) struct Other{n};
             #[command_handler] async fn other_{n}(_: &Other{n}) -> Result<(), Never> {{ Ok(()) }}
            "
        )?;
    }
    let folder = std::env::var("OUT_DIR")?;
    std::fs::write(std::path::Path::new(&folder).join("others.rs"), source)?;
    Ok(())
}
