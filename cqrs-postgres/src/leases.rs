//! Leases, by the clock of the server. Each statement looks and writes at once,
//! so that of two who ask one gets it.

use std::time::Duration;

use cqrs_core::message::Timestamp;
use cqrs_core::store::{Holder, Lease, LeaseError, LeaseName, LeaseToken};
use tokio_postgres::Row;

use crate::fault::Outcome;
use crate::session::Session;

/// More than any time that can be written.
const LONGEST: i64 = 1 << 60;

/// Gives a lease, unless somebody else holds it. Asking again gives it anew.
pub(crate) async fn acquire(
    session: &Session,
    name: &LeaseName,
    holder: &Holder,
    ttl: Duration,
) -> Outcome<Option<Lease>> {
    let (name_text, holder) = (name.as_str(), holder.as_str());
    let rows = session.query(&session.sql.acquire, &[&name_text, &holder, &micros(ttl)]).await?;
    rows.first().map(|row| lease_in(name.clone(), row)).transpose()
}

/// Lets a lease that is held end later or earlier.
pub(crate) async fn renew(
    session: &Session,
    lease: &Lease,
    ttl: Duration,
) -> Outcome<Result<Lease, LeaseError>> {
    let (name, held) = (lease.name().as_str(), lease.token());
    let token = held.get().cast_signed();
    let rows = session.query(&session.sql.renew, &[&name, &token, &micros(ttl)]).await?;
    if let Some(row) = rows.first() {
        return lease_in(lease.name().clone(), row).map(Ok);
    }
    let rows = session.query(&session.sql.token, &[&name]).await?;
    let actual = rows.first().map(|row| row.try_get::<_, i64>(0)).transpose()?;
    let actual = LeaseToken::new(actual.unwrap_or(0).cast_unsigned());
    Ok(Err(LeaseError::Lost { lease: lease.name().clone(), held, actual }))
}

/// Ends a lease, if it is held with its token.
pub(crate) async fn release(session: &Session, lease: &Lease) -> Outcome<()> {
    let (name, token) = (lease.name().as_str(), lease.token().get().cast_signed());
    session.query(&session.sql.release, &[&name, &token]).await.map(drop)
}

/// The leases whose names begin with a text and that are held now.
pub(crate) async fn leases(session: &Session, prefix: &str) -> Outcome<Vec<Lease>> {
    let rows = session.query(&session.sql.leases, &[&prefix]).await?;
    rows.iter().map(|row| lease_in(row.try_get::<_, String>(3)?.into(), row)).collect()
}

/// The lease in a row of token, holder and end.
fn lease_in(name: LeaseName, row: &Row) -> Outcome<Lease> {
    let token = LeaseToken::new(row.try_get::<_, i64>(0)?.cast_unsigned());
    let holder = Holder::from(row.try_get::<_, String>(1)?);
    Ok(Lease::new(name, holder, token, Timestamp::from_micros(row.try_get(2)?)))
}

fn micros(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_micros()).unwrap_or(LONGEST).min(LONGEST)
}
