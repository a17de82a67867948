//! The source of packages with many types.

use std::fmt::Write;

/// Variants of an enum.
const VARIANTS: usize = 10;

const FIELDS: &str = "id: u64, name: String, count: Option<u32>, tags: Vec<String>, open: bool";
const LOCKED: &str =
    "  count: optional u32\n  id: u64\n  name: text\n  open: bool\n  tags: list of text\n";

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// No derive at all.
    Plain,
    SerdeStruct,
    SerdeEnum,
    EventStruct,
    EventEnum,
    /// Event structs whose shapes are recorded.
    LockedStruct,
    Value,
    Command,
    /// Commands, each with a handler.
    Handler,
    /// Commands, each decided by an aggregate.
    Decision,
}

impl Kind {
    /// Every kind, in the order of the declaration.
    pub(crate) const ALL: [Self; 10] = [
        Self::Plain,
        Self::SerdeStruct,
        Self::SerdeEnum,
        Self::EventStruct,
        Self::EventEnum,
        Self::LockedStruct,
        Self::Value,
        Self::Command,
        Self::Handler,
        Self::Decision,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::SerdeStruct => "serde_struct",
            Self::SerdeEnum => "serde_enum",
            Self::EventStruct => "event_struct",
            Self::EventEnum => "event_enum",
            Self::LockedStruct => "locked_struct",
            Self::Value => "value",
            Self::Command => "command",
            Self::Handler => "handler",
            Self::Decision => "decision",
        }
    }

    pub(crate) fn source(self, count: usize) -> String {
        let mut out = String::from(
            "#![allow(unused_imports, dead_code)]\nuse cqrs_core::prelude::*;\n\
             use serde::{Deserialize, Serialize};\n\n",
        );
        let mut add = |text: std::fmt::Arguments<'_>| {
            out.write_fmt(text).expect("a string takes everything");
        };
        match self {
            Self::SerdeEnum | Self::EventEnum => {
                let derive = if matches!(self, Self::EventEnum) {
                    "Event"
                } else {
                    "Serialize, Deserialize"
                };
                for first in (0..count).step_by(VARIANTS) {
                    add(format_args!("#[derive({derive})]\npub enum Of{first}Event {{\n"));
                    for n in first..(first + VARIANTS).min(count) {
                        add(format_args!("    Done{n} {{ {FIELDS} }},\n"));
                    }
                    add(format_args!("}}\n"));
                }
            }
            _ => {
                let derive = match self {
                    Self::Plain => "",
                    Self::SerdeStruct => "#[derive(Serialize, Deserialize)]\n",
                    Self::EventStruct | Self::LockedStruct => "#[derive(Event)]\n",
                    Self::Value => "#[derive(Value)]\n",
                    _ => "#[derive(Command)]\n",
                };
                for n in 0..count {
                    add(format_args!("{derive}pub struct Done{n} {{ {FIELDS} }}\n"));
                }
            }
        }
        match self {
            Self::Handler => {
                for n in 0..count {
                    add(format_args!(
                        "#[command_handler]\npub async fn handle_{n}(cmd: &Done{n}) -> \
                         Result<u64, CommandError<std::fmt::Error>> {{ Ok(cmd.id) }}\n"
                    ));
                }
            }
            Self::Decision => decisions(&mut out, count),
            _ => {}
        }
        out
    }

    /// What is recorded of the types.
    pub(crate) fn lock(self, count: usize) -> Option<String> {
        if !matches!(self, Self::LockedStruct) {
            return None;
        }
        let mut out = String::from("schema lock, format 1\n\n");
        for n in 0..count {
            write!(out, "event done{n} 1\n{LOCKED}\n").expect("a string takes everything");
        }
        out.push_str("end\n");
        Some(out)
    }
}

fn decisions(out: &mut String, count: usize) {
    out.push_str(
        "#[derive(Event)]\npub enum ThingEvent { Done { id: u64 } }\n\
         #[derive(Rejection, Debug)]\npub enum Never {}\n\
         #[derive(Aggregate, Default)]\n\
         #[aggregate(id = u64, event = ThingEvent, error = Never)]\npub struct Thing;\n\
         #[apply]\nimpl Apply for Thing {\n    fn apply(&mut self, event: &ThingEvent) {\n        \
         match event { ThingEvent::Done { .. } => {} }\n    }\n}\n#[command_handlers]\nimpl Thing {\n",
    );
    for n in 0..count {
        writeln!(
            out,
            "    fn decide_{n}(&self, cmd: &Done{n}) -> ThingEvent {{ ThingEvent::Done {{ id: cmd.id }} }}"
        )
        .expect("a string takes everything");
    }
    out.push_str("}\n");
}
