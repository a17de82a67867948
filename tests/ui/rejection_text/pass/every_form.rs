use cqrs_core::prelude::*;

#[derive(Rejection, Debug)]
enum AccountError {
    /// The account is overdrawn by {by:>3} cents, {{not}} more.
    ///
    /// {this} is not the text.
    Overdrawn {
        by: i64,
        other: String,
    },
    /// {0} may not see {1:?}.
    Hidden(String, i64),
    NotOpen,
    #[allow(dead_code)]
    r#Yield(i64),
}

#[derive(Rejection, Debug)]
struct Closed {
    r#type: String,
}

#[derive(Rejection, Debug)]
enum Never {}

fn main() {
    let text = |error: &dyn std::error::Error| error.to_string();
    let overdrawn = AccountError::Overdrawn { by: 7, other: String::new() };
    assert_eq!(text(&overdrawn), "The account is overdrawn by   7 cents, {not} more");
    assert_eq!(text(&AccountError::Hidden("Ada".into(), 5)), "Ada may not see 5");
    assert_eq!(text(&AccountError::NotOpen), "not open");
    assert_eq!(text(&Closed { r#type: String::new() }), "closed");
    let _: Option<Never> = None;
}
