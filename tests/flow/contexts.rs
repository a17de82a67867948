//! What was said of one call is not known of the next, which may stand in the
//! same room.

use std::time::Duration;

use cqrs_core::ActorId;
use cqrs_core::policy::Principal;
use cqrs_core::prelude::*;

mod telling {
    //! Handlers that tell what they know of their call.

    use super::*;

    cqrs_core::module!();

    pub struct Mark;

    #[derive(Command)]
    pub struct Tell {}

    #[derive(Command)]
    pub struct TellLater {}

    #[derive(Rejection, Debug)]
    pub enum Never {}

    #[command_handler]
    fn tell(_: &Tell, ctx: &Context) -> Result<String, Never> {
        Ok(known(ctx))
    }

    #[command_handler]
    async fn tell_later(_: &TellLater, ctx: &Context) -> Result<String, Never> {
        tokio::task::yield_now().await;
        Ok(known(ctx))
    }

    fn known(ctx: &Context) -> String {
        let actor = ctx.actor().map(ActorId::as_str);
        let (tenant, mark) = (ctx.tenant(), ctx.extension::<Mark>().is_some());
        let actor_in_metadata = ctx.metadata().actor.is_some();
        let is_limited = ctx.remaining().is_some();
        format!("{actor:?} {:?} {mark} {actor_in_metadata} {is_limited}", tenant.as_str())
    }
}

const NOTHING: &str = "None \"\" false false false";

#[tokio::test]
async fn what_is_said_of_a_call_is_not_known_of_the_next() {
    use telling::{Mark, Tell, TellLater};
    let app = App::new(modules![telling], MemoryStore::new()).unwrap();
    let said = || {
        let origin = Origin::new().principal(Principal::new("ann")).tenant("acme");
        origin.extension(Mark).timeout(Duration::from_secs(60))
    };
    for _ in 0..2 {
        let first = app.execute(Tell {}).from(said()).await.unwrap();
        assert_eq!(first.value, "Some(\"ann\") \"acme\" true true true");
        assert_eq!(app.execute(Tell {}).await.unwrap().value, NOTHING);
        let first = app.execute(TellLater {}).from(said()).await.unwrap();
        assert_eq!(first.value, "Some(\"ann\") \"acme\" true true true");
        assert_eq!(app.execute(TellLater {}).await.unwrap().value, NOTHING);
    }
}
