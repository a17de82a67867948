use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

struct Doorman;

impl Doorman {
    #[guard]
    fn knows(&self, _: &Register) -> Result<(), Violations> {
        Ok(())
    }
}

fn main() {}
