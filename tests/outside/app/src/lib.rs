//! An application as a new user writes it, under strict lints and with the
//! framework renamed.
#![forbid(unsafe_code)]
#![deny(missing_docs, warnings)]

use framework::prelude::*;

module!();

/// Identifies a lamp.
#[derive(Id)]
#[id(crate = framework)]
pub struct LampId(u32);

/// Switches a lamp on.
#[derive(Command)]
#[command(crate = framework)]
pub struct SwitchOn {
    /// The lamp.
    pub lamp: LampId,
    /// How bright, in percent.
    #[check(min = 1, max = 100)]
    pub percent: u8,
}

/// What happens to a lamp.
#[derive(Event, Clone, Debug, PartialEq)]
#[event(crate = framework)]
pub enum LampEvent {
    /// It shines.
    SwitchedOn {
        /// How bright.
        percent: u8,
    },
}

/// Why a lamp refuses.
#[derive(Rejection, Debug, PartialEq)]
pub enum LampError {
    /// It shines already.
    AlreadyOn,
}

/// A lamp.
#[derive(Aggregate, Debug, Default)]
#[aggregate(id = LampId, event = LampEvent, error = LampError, crate = framework)]
pub struct Lamp {
    percent: u8,
}

#[command_handlers(crate = framework)]
impl Lamp {
    fn switch_on(&self, cmd: &SwitchOn) -> Result<LampEvent, LampError> {
        ensure!(self.percent == 0, LampError::AlreadyOn);
        Ok(LampEvent::SwitchedOn { percent: cmd.percent })
    }
}

#[apply]
impl Apply for Lamp {
    fn apply(&mut self, event: &LampEvent) {
        match event {
            LampEvent::SwitchedOn { percent } => self.percent = *percent,
        }
    }
}

/// How bright each lamp is.
#[derive(Projection, Debug, Default)]
#[projection(event = LampEvent, key = LampId, row = u8, crate = framework)]
pub struct Brightness;

impl Project for Brightness {
    async fn project(
        &self,
        event: &Recorded<LampEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let LampEvent::SwitchedOn { percent } = event.data();
        rows.put(&event.aggregate_id()?, *percent);
        Ok(())
    }
}

/// Asks how bright a lamp is.
#[derive(Query)]
#[query(output = Option<u8>, crate = framework)]
pub struct HowBright {
    /// The lamp.
    pub lamp: LampId,
}

/// Answers from the read model.
#[query_handler(crate = framework)]
pub async fn how_bright(
    query: &HowBright,
    brightness: View<Brightness>,
) -> Result<Option<u8>, QueryError> {
    Ok(brightness.get(&query.lamp).await?)
}
