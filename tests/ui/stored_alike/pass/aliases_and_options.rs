use cqrs_core::prelude::*;

#[derive(Value)]
struct Price {
    #[serde(alias = "cents", alias = "net_cents")]
    net: i64,
    #[serde(skip)]
    _cents: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    discounts: Option<Vec<Option<i64>>>,
    #[schema(opaque = "missing, null or a number")]
    #[serde(default, skip_serializing_if = "Option::is_none", with = "double")]
    _twice: Option<Option<i64>>,
}

mod double {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &Option<Option<i64>>, to: S) -> Result<S::Ok, S::Error> {
        value.flatten().serialize(to)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Option<i64>>, D::Error> {
        Deserialize::deserialize(from).map(Some)
    }
}

fn main() {
    let price: Price = serde_json::from_str(r#"{"cents":5,"discounts":[null]}"#).unwrap();
    assert_eq!((price.net, price.discounts), (5, Some(vec![None])));
}
