#![deny(warnings)]
#![allow(dead_code)]

use cqrs_core::prelude::*;

#[derive(Command)]
struct Register {
    email: String,
}

#[command_handler]
async fn register(_: &Register) -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[cfg(any())]
#[guard]
fn absent(_: &NoSuchCommand) -> Result<(), Violations> {
    Ok(())
}

#[guard]
fn at_once(_: &Register) -> Result<(), Violations> {
    Ok(())
}

#[guard]
pub(crate) async fn with_all(
    r#type: &Register,
    bus: Bus,
    _ctx: &Context,
    _metadata: &Metadata,
    wire: Option<Dep<String>>,
) -> Result<(), BusError> {
    let _ = (&r#type.email, bus, wire);
    Ok(())
}

#[derive(Default)]
struct Doorman;

#[handlers]
impl Doorman {
    #[guard]
    async fn knows(&self, _: &Register) -> Result<(), Violations> {
        Ok(())
    }

    #[guard]
    fn sees(&self, _: &Register) -> Result<(), BusError> {
        Ok(())
    }
}

fn main() {
    App::builder()
        .register::<Register>()
        .register::<register>()
        .register::<at_once>()
        .register::<with_all>()
        .provide(std::sync::Arc::new(Doorman))
        .verify()
        .expect("it is complete");
}
