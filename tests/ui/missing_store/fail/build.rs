use cqrs_core::prelude::*;

module!();

fn main() {
    let app = App::builder().modules(modules![crate]).build();
    drop(app);
}
