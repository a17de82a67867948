//! Names in other cases, and the nearest of several names.

/// `MoneyDeposited` as `money_deposited`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let chars: Vec<char> = name.chars().collect();
    for (index, &c) in chars.iter().enumerate() {
        let after_lower = index > 0 && !chars.get(index - 1).is_some_and(|p| p.is_uppercase());
        let before_lower = chars.get(index + 1).is_some_and(|next| next.is_lowercase());
        let boundary = c.is_uppercase() && index > 0 && (after_lower || before_lower);
        if boundary && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// An identifier without its `r#`.
pub(crate) fn unraw(ident: &proc_macro2::Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_capitals() {
        for (name, expected) in [
            ("MoneyDeposited", "money_deposited"),
            ("Opened", "opened"),
            ("HTTPServerStarted", "http_server_started"),
            ("already_snake", "already_snake"),
            ("V2Ready", "v2_ready"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }
}
