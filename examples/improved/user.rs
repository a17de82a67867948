//! Users, and read models of their names and addresses.
#![expect(clippy::print_stdout, reason = "it shows when it is asked")]

use cqrs_core::prelude::*;

#[derive(Id)]
pub(crate) struct UserId(String);

#[derive(Command)]
pub(crate) struct Register {
    pub(crate) user: UserId,
    #[check(email)]
    pub(crate) email: String,
    #[check(length(min = 2, max = 40))]
    pub(crate) name: String,
}

#[derive(Command)]
pub(crate) struct Rename {
    pub(crate) user: UserId,
    #[check(length(min = 2, max = 40))]
    pub(crate) name: String,
}

/// The same answer serves everybody, for ten minutes unless an event voids it.
#[derive(Query)]
#[query(output = Option<String>, cache = "10m", shared)]
pub(crate) struct Name {
    pub(crate) user: UserId,
}

#[derive(Event)]
pub(crate) enum UserEvent {
    Registered { email: String, name: String },
    Renamed { name: String },
}

#[derive(Rejection, Debug)]
pub(crate) enum UserError {
    /// The user is registered already.
    Registered,
    /// There is no such user.
    Unknown,
}

#[derive(Aggregate, Default)]
#[aggregate(id = UserId, event = UserEvent, error = UserError)]
pub(crate) struct User {
    exists: bool,
}

#[command_handlers]
impl User {
    fn register(&self, command: &Register) -> Result<UserEvent, UserError> {
        ensure!(!self.exists, UserError::Registered);
        let (email, name) = (command.email.clone(), command.name.clone());
        Ok(UserEvent::Registered { email, name })
    }

    fn rename(&self, command: &Rename) -> Result<UserEvent, UserError> {
        ensure!(self.exists, UserError::Unknown);
        Ok(UserEvent::Renamed { name: command.name.clone() })
    }
}

#[apply]
impl Apply for User {
    fn apply(&mut self, event: &UserEvent) {
        match event {
            UserEvent::Registered { .. } => self.exists = true,
            UserEvent::Renamed { .. } => {}
        }
    }
}

#[derive(Projection, Default)]
#[projection(event = UserEvent, key = UserId, row = String)]
struct Names;

impl Project for Names {
    async fn project(
        &self,
        event: &Recorded<UserEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        let (UserEvent::Registered { name, .. } | UserEvent::Renamed { name }) = event.data();
        rows.put(&event.aggregate_id()?, name.clone());
        Ok(())
    }
}

/// Who has an address.
#[derive(Projection, Default)]
#[projection(event = UserEvent, key = String, row = UserId)]
struct Addresses;

impl Project for Addresses {
    async fn project(
        &self,
        event: &Recorded<UserEvent>,
        rows: &mut Rows<'_, Self>,
    ) -> Result<(), ProjectionError> {
        if let UserEvent::Registered { email, .. } = event.data() {
            rows.put(&email.to_lowercase(), event.aggregate_id()?);
        }
        Ok(())
    }
}

/// One address, one user; asked for when the fields are known to be sound.
#[guard]
async fn address_is_free(command: &Register, users: View<Addresses>) -> Result<(), BusError> {
    let mut violations = Violations::new();
    if users.get(&command.email.to_lowercase()).await?.is_some() {
        violations.add("email", "taken", "belongs to somebody else");
    }
    Ok(violations.into_result()?)
}

#[query_handler]
async fn name(query: &Name, names: View<Names>) -> Result<Option<String>, QueryError> {
    println!("  (the name of {} is looked up)", query.user);
    Ok(names.get(&query.user).await?)
}
