#![deny(warnings)]
#![allow(non_camel_case_types)]

use cqrs_core::prelude::*;

#[derive(Id)]
struct r#struct(String);

#[derive(Command)]
struct r#move {
    r#type: r#struct,
    #[check(min = 1)]
    r#in: i64,
}

#[derive(Event, Debug, PartialEq)]
struct r#loop {
    #[event(tag)]
    r#for: i64,
}

#[derive(Event, Debug, PartialEq)]
enum r#enum {
    r#match {
        #[event(tag)]
        r#fn: i64,
    },
    r#loop(r#loop),
    r#return,
}

#[derive(Rejection, Debug)]
enum r#error {
    /// Because {fn}.
    r#use {
        r#fn: i64,
    },
    r#while,
}

#[derive(Aggregate, Default)]
#[aggregate(id = r#struct, event = r#enum, error = r#error, snapshot = SnapshotPolicy::every(1))]
struct r#trait {
    r#mod: i64,
}

#[command_handlers]
impl r#trait {
    fn r#move(&self, r#ref: &r#move) -> Result<r#enum, r#error> {
        ensure!(r#ref.r#in > self.r#mod, r#error::r#use { r#fn: r#ref.r#in });
        ensure!(r#ref.r#in < 100, r#error::r#while);
        Ok(r#enum::r#match { r#fn: r#ref.r#in })
    }
}

#[apply]
impl Apply for r#trait {
    fn apply(&mut self, r#dyn: &r#enum) {
        match r#dyn {
            r#enum::r#match { r#fn } => self.r#mod += r#fn,
            r#enum::r#loop(r#loop { r#for }) => self.r#mod -= r#for,
            r#enum::r#return => self.r#mod = 0,
        }
    }
}

#[derive(Query)]
#[query(output = i64)]
struct r#where {
    r#type: r#struct,
}

#[query_handler]
async fn r#as(r#in: &r#where) -> Result<i64, QueryError> {
    Ok(r#in.r#type.to_key().len() as i64)
}

struct r#impl;

#[derive(Query)]
#[query(output = i64)]
struct r#const;

#[handlers]
impl r#impl {
    #[query_handler]
    async fn r#const(&self, _: &r#const) -> Result<i64, QueryError> {
        Ok(1)
    }
}

module!();

fn main() {
    assert_eq!(<r#move as Command>::NAME, "move");
    let names: Vec<_> = r#enum::TYPES.iter().map(|one| one.name).collect();
    assert_eq!(names, ["enum.match", "loop", "enum.return"]);
    assert_eq!(r#error::r#use { r#fn: 3 }.to_string(), "Because 3");
    assert_eq!(r#error::r#while.to_string(), "while");
    let mut json = Vec::new();
    r#enum::r#match { r#fn: 1 }.encode(&mut json).unwrap();
    assert_eq!(json, br#"{"fn":1}"#);
    let _ = |app: App| async move {
        let _ = app.execute(r#move { r#type: "a".into(), r#in: 1 }).await;
        let _ = app.query(r#where { r#type: "a".into() }).await;
        let _ = app.query(r#const).await;
    };
    let _ = (r#impl, r#loop { r#for: 1 }, r#enum::r#loop(r#loop { r#for: 1 }), r#enum::r#return);
}
