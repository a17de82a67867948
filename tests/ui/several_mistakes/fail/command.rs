use cqrs_core::prelude::*;

#[derive(Command)]
#[command(verison = 2, name = "no spaces", output = i64)]
struct Deposit {
    #[id]
    account: String,
    #[id]
    #[check(mim = 1)]
    other: String,
}

async fn run(app: &App, command: Deposit) -> Vec<u8> {
    let _: &str = Deposit::NAME;
    let _ = command.validate();
    drop(app);
    Vec::new()
}

fn main() {}
