//! The command line of the stores.

fn main() -> std::process::ExitCode {
    cqrs_cli::main()
}
