//! Guards in the form in which the server looks for what meets them.

use cqrs_core::store::{QueryGuard, QueryItem};
use uuid::Uuid;

use crate::identity;

/// A guard for the function `hits`.
pub(super) fn as_json(guard: &QueryGuard) -> serde_json::Value {
    let wanted = guard.query().items();
    let mut items: Vec<_> = wanted.iter().filter_map(item).collect();
    if wanted.is_empty() {
        items.push(serde_json::json!({ "types": [], "tags": [] }));
    }
    serde_json::json!({ "after": guard.after().get(), "items": items })
}

/// An item, `None` if no event can meet it: no name holds U+0000, which the
/// server's texts cannot either.
fn item(item: &QueryItem) -> Option<serde_json::Value> {
    let types = item.event_types().iter().map(|one| one.as_str());
    let types: Vec<_> = types.filter(|name| !name.contains('\0')).collect();
    if types.is_empty() && !item.event_types().is_empty() {
        return None;
    }
    let tags = identity::of_tags(item.tags());
    let tags: Vec<_> = tags.iter().map(Uuid::to_string).collect();
    Some(serde_json::json!({ "types": types, "tags": tags }))
}
