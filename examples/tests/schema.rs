//! What the examples store, recorded in `schema.lock`.

use examples as _;

cqrs_testkit::schema_lock!();
