//! What the macros expand to.

use proc_macro2::TokenStream;

use super::{
    aggregate, apply, command, decisions, event, event_handler, guard, handler, id, projection,
    query, rejection, schema, service,
};

type Derive = fn(TokenStream) -> TokenStream;
type Attribute = fn(TokenStream, TokenStream) -> TokenStream;

fn tokens(text: &str) -> TokenStream {
    text.parse().expect("the input is made of tokens")
}

fn check(name: &str, input: &str, expansion: TokenStream) {
    let file = syn::parse2(expansion).expect("an expansion is made of items");
    insta::with_settings!({
        description => input,
        omit_expression => true,
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!(name, prettyplease::unparse(&file));
    });
}

fn derived(name: &str, derive: Derive, input: &str) {
    check(name, input, derive(tokens(input)));
}

fn attributed(name: &str, attribute: Attribute, args: &str, input: &str) {
    let description = if args.is_empty() { input.to_owned() } else { format!("({args})\n{input}") };
    check(name, &description, attribute(tokens(args), tokens(input)));
}

#[test]
fn a_command() {
    let input = r#"
#[command(name = "bank.deposit", version = 2, error = AccountError)]
pub struct Deposit {
    account: AccountId,
    #[check(min = 1, max = LIMIT)]
    cents: i64,
    #[check(required, length(max = 40))]
    #[serde(default)]
    note: String,
}"#;
    derived("command", command::derive, input);
}

#[test]
fn a_generic_command_is_not_registered() {
    derived("command_generic", command::derive, "struct Import<T> { batch: String, rows: Vec<T> }");
}

#[test]
fn a_command_with_mistakes_becomes_a_stub() {
    let input =
        "#[command(nmae = \"a\", output = i64)] struct Deposit { #[id] a: u64, #[id] b: u64 }";
    derived("command_mistakes", command::derive, input);
}

#[test]
fn a_query() {
    derived("query", query::derive, "#[query(output = Option<i64>)] struct Balance(AccountId);");
}

#[test]
fn a_query_without_its_output() {
    derived("query_mistake", query::derive, "struct Balance { account: AccountId }");
}

#[test]
fn events() {
    let input = r#"
pub enum AccountEvent {
    Opened { #[event(tag)] owner: String },
    #[event(name = "account.credited")]
    Deposited { #[serde(default)] cents: i64 },
    Withdrawn(Withdrawn),
    Closed,
}"#;
    derived("event_enum", event::derive, input);
}

#[test]
fn events_with_a_past() {
    let input = r#"
#[event(retired("account.frozen", "account.moved" => split), unknown = "skip", check = sound)]
enum AccountEvent {
    #[event(version = 4, first = 2, formerly("account.paid"))]
    #[event(upcast(2 => from_2, 3 as DepositedV3), downcast(3 => to_3))]
    Deposited { cents: i64 },
}"#;
    derived("event_versions", event::derive, input);
}

#[test]
fn events_whose_past_has_gaps() {
    let input = r#"
#[event(unknown = "drop", retired(account))]
enum AccountEvent {
    #[event(version = 3, upcast(1 => a, 1 => b, 7 => c, 2 -> d))]
    Deposited { cents: i64 },
    #[event(unknown)]
    Other,
}"#;
    derived("event_version_mistakes", event::derive, input);
}

#[test]
fn a_shape() {
    let input = r#"
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Node<T> {
    #[serde(alias = "label", default)]
    name: String,
    #[serde(skip)]
    cache: u8,
    #[serde(flatten)]
    rest: T,
    child_nodes: Vec<Box<Node<T>>>,
    #[schema(opaque = "a decimal", sample = "\"1.50\"")]
    price: Decimal,
    #[serde(with = "hex")]
    #[schema(as = String)]
    key: Vec<u8>,
}"#;
    derived("schema", schema::derive, input);
}

#[test]
fn a_value() {
    let input = r#"
#[serde(tag = "kind", rename_all = "snake_case")]
enum Payment { Cash, Card { number: String }, #[serde(other)] Unknown }"#;
    derived("value", schema::derive_value, input);
}

#[test]
fn a_value_whose_shape_is_hidden() {
    let input = "#[serde(try_from = \"String\", into = \"String\")] struct Day { year: u16 }";
    derived("value_mistake", schema::derive_value, input);
}

#[test]
fn one_event() {
    let input =
        "#[event(codec = MessagePack)] struct Withdrawn { #[event(tag = \"who\")] by: String }";
    derived("event_struct", event::derive, input);
}

#[test]
fn events_with_mistakes() {
    let input = "#[serde(tag = \"t\")] enum AccountEvent { Opened(String, i64) }";
    derived("event_mistakes", event::derive, input);
}

#[test]
fn an_aggregate() {
    let input = r"
#[aggregate(id = AccountId, event = AccountEvent, error = AccountError)]
struct Account { cents: i64 }";
    derived("aggregate", aggregate::derive, input);
}

#[test]
fn an_aggregate_with_snapshots() {
    let input = r"
#[aggregate(
    id = AccountId,
    event = AccountEvent,
    error = AccountError,
    snapshot = SnapshotPolicy::every(100),
    snapshot_version = 2,
    stale_rejections,
    crate = elsewhere::cqrs
)]
struct Account { cents: i64, #[serde(skip)] cache: Cache }";
    derived("aggregate_snapshots", aggregate::derive, input);
}

#[test]
fn an_aggregate_without_its_types() {
    derived("aggregate_mistakes", aggregate::derive, "#[aggregate(id = u64)] struct Account;");
}

#[test]
fn an_id() {
    derived("id", id::derive, "pub struct AccountId(String);");
}

#[test]
fn an_id_of_nothing() {
    derived("id_mistake", id::derive, "struct AccountId;");
}

#[test]
fn a_projection() {
    let input = r"
#[projection(event = AccountEvent, key = AccountId, row = i64, version = 2)]
struct Balances;";
    derived("projection", projection::derive, input);
}

#[test]
fn rejections() {
    let input = r"
enum AccountError {
    /// Overdrawn by {by} cents.
    Overdrawn { by: i64 },
    /// {0} may not.
    Forbidden(String),
    NotOpen,
}";
    derived("rejection", rejection::derive, input);
}

#[test]
fn applying() {
    let input = r"
impl Apply for Account {
    fn apply(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Deposited { cents } => self.cents += cents,
        }
    }
}";
    attributed("apply", apply::attribute, "", input);
}

#[test]
fn decisions() {
    let input = r"
impl Account {
    fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> {
        Ok(AccountEvent::Deposited { cents: cmd.cents })
    }
    #[cfg(any())]
    fn close(&self, _: &Close, metadata: &Metadata) -> Option<AccountEvent> {
        None
    }
}";
    attributed("command_handlers", decisions::attribute, "", input);
}

#[test]
fn decisions_with_mistakes() {
    let input = r"
impl Account {
    async fn deposit(&self, cmd: &Deposit) -> Result<Returning<AccountEvent, i64>, AccountError> {}
    fn fee(&self) -> i64 { 1 }
}";
    attributed("command_handlers_mistakes", decisions::attribute, "crat = cqrs", input);
}

#[test]
fn a_command_handler() {
    let input = r"
pub async fn transfer(
    cmd: &Transfer,
    accounts: Repository<Account>,
    rates: &Dep<dyn Rates>,
    ctx: &Context,
) -> Result<i64, TransferError> {
    Ok(1)
}";
    attributed("command_handler", handler::command, "", input);
}

#[test]
fn a_query_handler() {
    let input = "fn count(query: &Count) -> Result<u64, QueryError> { Ok(1) }";
    attributed("query_handler", handler::query, "crate = elsewhere::cqrs", input);
}

#[test]
fn a_handler_without_a_result() {
    attributed("command_handler_mistake", handler::command, "", "async fn close(cmd: Close) {}");
}

#[test]
fn a_service() {
    let input = r"
impl Mail {
    #[command_handler(contract)]
    async fn send(&self, cmd: &Send, bus: Bus) -> Result<(), CommandError<MailError>> { Ok(()) }
    #[query_handler]
    async fn sent(&self, query: &Sent) -> Result<u64, QueryError> { Ok(1) }
    fn helper(&self) {}
}";
    attributed("handlers", service::attribute, "", input);
}

#[test]
fn an_event_handler() {
    let input = r"
pub async fn welcome(
    event: &Recorded<AccountEvent>,
    delivery: &Delivery,
    mailer: Dep<dyn Mailer>,
    bus: Bus,
) -> Result<Option<Greet>, MailError> {
    Ok(None)
}";
    let arguments = r#"start = "now", attempts = 3, on_failure = "park", timeout = "2s""#;
    attributed("event_handler", event_handler::attribute, arguments, input);
}

#[test]
fn an_event_handler_with_mistakes() {
    let arguments = r#"volatile, start = "nwo", attempts = 0, role = "admin""#;
    let input = "async fn welcome(event: AccountEvent) {}";
    attributed("event_handler_mistakes", event_handler::attribute, arguments, input);
}

#[test]
fn a_guard() {
    let input = r"
pub async fn address_is_free(
    command: &Register,
    people: View<People>,
    ctx: &Context,
) -> Result<(), Violations> {
    Ok(())
}";
    attributed("guard", guard::attribute, "", input);
}

#[test]
fn a_service_that_guards() {
    let input = r"
impl Doorman {
    #[guard]
    fn knows(&self, command: &Register) -> Result<(), Violations> { Ok(()) }
    #[guard]
    async fn sees(&self, command: &Register) -> Result<(), BusError> { Ok(()) }
}";
    attributed("handlers_of_guards", service::attribute, "", input);
}

#[test]
fn a_service_that_listens() {
    let input = r"
impl Mail {
    #[event_handler]
    async fn opened(&self, event: &AccountEvent) -> Result<(), MailError> { Ok(()) }
    #[event_handler(volatile)]
    async fn noted(&self, event: &AccountEvent) -> Result<(), MailError> { Ok(()) }
}";
    attributed("handlers_of_events", service::attribute, "", input);
}

#[test]
fn a_command_handler_with_every_policy() {
    let input = "async fn close(cmd: &Close) -> Result<(), CloseError> { f() }";
    let arguments = r#"timeout = "1.5s", retry = "3, conflict(10)", concurrency = 4, audit,
        rate_limit = "10/500ms burst 20 per tenant", role = "admin | clerk", breaker = "ledger""#;
    attributed("command_handler_policies", handler::command, arguments, input);
}

/// What the compiler has to read for each macro, in bytes; serde's own derives
/// come on top.
#[test]
fn sizes() {
    const FIELDS: &str =
        "{ id: u64, name: String, count: Option<u32>, tags: Vec<String>, open: bool }";
    let item = |head: &str| format!("{head} {FIELDS}");
    let method = "fn deposit(&self, cmd: &Deposit) -> Result<AccountEvent, AccountError> { f() }";
    let handler = "async fn close(cmd: &Close) -> Result<(), CloseError> { f() }";
    let derived = |derive: Derive, input: String| derive(tokens(&input)).to_string().len();
    let attributed =
        |attribute: Attribute, input: &str| attribute(tokens(""), tokens(input)).to_string().len();
    let sizes = [
        ("Command", derived(command::derive, item("struct Deposit"))),
        ("Query", derived(query::derive, item("#[query(output = i64)] struct Balance"))),
        ("Event on a struct", derived(event::derive, item("struct Deposited"))),
        (
            "Event on an enum of one",
            derived(event::derive, format!("enum AccountEvent {{ Deposited {FIELDS} }}")),
        ),
        (
            "Aggregate",
            derived(aggregate::derive, item("#[aggregate(id = A, event = B, error = C)] struct D")),
        ),
        ("Id", derived(id::derive, "struct AccountId(String);".to_owned())),
        (
            "Projection",
            derived(
                projection::derive,
                "#[projection(event = A, key = B, row = C)] struct D;".to_owned(),
            ),
        ),
        ("Rejection", derived(rejection::derive, "enum Error { NotOpen, Closed }".to_owned())),
        ("Schema", derived(schema::derive, item("struct Money"))),
        ("Value", derived(schema::derive_value, item("struct Money"))),
        (
            "command_handlers with one",
            attributed(decisions::attribute, &format!("impl Account {{ {method} }}")),
        ),
        ("command_handler", attributed(handler::command, handler)),
        ("query_handler", attributed(handler::query, handler)),
        ("event_handler", attributed(event_handler::attribute, handler)),
    ];
    let lines: Vec<String> = sizes.iter().map(|(name, size)| format!("{name}: {size}")).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("sizes", lines.join("\n"));
    });
}
