//! How the server is reached, and what it must be like.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cqrs_core::store::CommitSignal;
use deadpool_postgres::{ClientWrapper, ConfigConnectImpl, Connect};
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Client, Config, Socket};

use crate::fault::{Fault, Outcome};
use crate::{OpenError, wake};

/// The oldest server that is let in, and those that the tests have run on.
pub(crate) const OLDEST: u32 = 14;
pub(crate) const TESTED: std::ops::RangeInclusive<u32> = 14..=18;

/// How long to wait for a connection when the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a host may be silent before a connection to it has broken.
const SILENCE: Duration = Duration::from_secs(30);

/// A server with the way to it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Server {
    config: Arc<Config>,
    connect: Arc<dyn Connect>,
    listen: Arc<Listen>,
    cancel: Arc<Cancel>,
    label: Arc<str>,
}

/// Listens on a channel with the encryption of this server.
type Listen = dyn Fn(Config, String, Weak<CommitSignal>) -> BoxFuture<'static, ()> + Send + Sync;

/// Cancels a statement with the encryption of this server.
pub(crate) type Cancel = dyn Fn(CancelToken) -> BoxFuture<'static, ()> + Send + Sync;

/// A connection of one's own.
pub(crate) struct Connection {
    pub(crate) client: ClientWrapper,
    pub(crate) backend: Backend,
}

/// A process of the server, told apart from a later one with its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) process: i32,
    /// When it began, in microseconds since 1970.
    pub(crate) began: i64,
}

/// When a process of `pg_stat_activity` began: as a number, which no setting of
/// a connection writes differently.
pub(crate) const BEGAN: &str = "coalesce((extract(epoch FROM backend_start) * 1000000)::bigint, 0)";

/// How a connection is set: statements see what has committed when they begin,
/// cached plans stay, and what commits is durable whatever the role or the
/// database has been set to since.
const SETTINGS: &str = "set_config('default_transaction_isolation', 'read committed', false), \
     set_config('plan_cache_mode', 'force_generic_plan', false), \
     set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
         WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)";

impl Server {
    pub(crate) fn new<T>(mut config: Config, tls: T) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        if config.get_application_name().is_none() {
            config.application_name("cqrs");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        bound_silence(&mut config);
        let label = label(&config).into();
        let encrypt = tls.clone();
        let listen = move |config, channel, signal| -> BoxFuture<'static, ()> {
            Box::pin(wake::listen(config, encrypt.clone(), channel, signal))
        };
        let encrypt = tls.clone();
        let cancel = move |token: CancelToken| -> BoxFuture<'static, ()> {
            let encrypt = encrypt.clone();
            Box::pin(async move {
                if let Err(error) = token.cancel_query(encrypt).await {
                    tracing::debug!(%error, "a statement that nobody waits for was not cancelled");
                }
            })
        };
        let (listen, cancel) = (Arc::new(listen), Arc::new(cancel));
        let connect = Arc::new(ConfigConnectImpl { tls });
        Self { config: Arc::new(config), connect, listen, cancel, label }
    }

    /// Raises a signal for what other processes commit, until it is gone.
    pub(crate) fn listen(
        &self,
        channel: String,
        signal: Weak<CommitSignal>,
    ) -> BoxFuture<'static, ()> {
        (self.listen)(Config::clone(&self.config), channel, signal)
    }

    /// How a statement is cancelled that nobody waits for.
    pub(crate) fn cancel(&self) -> &Arc<Cancel> {
        &self.cancel
    }

    /// The server for messages: never a password.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// How long a connection may take that is let in: what the driver bounds is
    /// only the way to each host.
    pub(crate) fn patience(&self) -> Duration {
        let hosts = self.config.get_hosts().len().max(self.config.get_hostaddrs().len());
        let each = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        each.saturating_mul(u32::try_from(hosts).unwrap_or(u32::MAX).max(1))
    }

    /// A connection of one's own, on which every statement is a transaction.
    pub(crate) async fn connect(&self) -> Outcome<Connection> {
        let (client, task) = self.connect.connect(&self.config).await?;
        let client = ClientWrapper::new(client, task);
        let mut connection = Connection { client, backend: Backend::default() };
        let row = connection
            .client
            .query_typed_one(
                &format!(
                    "SELECT pg_backend_pid(), (SELECT {BEGAN} FROM pg_stat_activity \
                     WHERE pid = pg_backend_pid()), {SETTINGS}"
                ),
                &[],
            )
            .await?;
        connection.backend = Backend { process: row.try_get(0)?, began: row.try_get(1)? };
        Ok(connection)
    }

    /// Refuses a server that cannot keep the store's promises, and warns of
    /// one that the tests do not run on.
    pub(crate) async fn inspect(&self, client: &Client) -> Result<(), OpenError> {
        let failed = |error: tokio_postgres::Error| OpenError::of(&Fault::from(error), &self.label);
        let settings = "SELECT current_setting('server_version_num')::integer / 10000, \
                        current_setting('fsync'), current_setting('full_page_writes'), \
                        (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'), \
                        current_setting('default_transaction_read_only'), pg_is_in_recovery(), \
                        current_setting('server_encoding')";
        let row = client.query_typed_one(settings, &[]).await.map_err(failed)?;
        let found: i32 = row.try_get(0).map_err(failed)?;
        let found = found.cast_unsigned();
        if found < OLDEST {
            let server = self.label.to_string();
            return Err(OpenError::OldServer { server, found, oldest: OLDEST });
        }
        if !TESTED.contains(&found) {
            tracing::warn!(server = &*self.label, version = found, "not tested with this version");
        }
        let text = |column: usize| row.try_get::<_, String>(column).map_err(failed);
        let refuse = |setting, value: String, advice| {
            Err(OpenError::Setting { server: self.label.to_string(), setting, value, advice })
        };
        let on = |value: &str| value == "on";
        if !on(&text(1)?) {
            return refuse("fsync", text(1)?, "turn it on: an acknowledged event must survive");
        }
        if !on(&text(2)?) {
            let advice = "turn it on: a page that is torn by a crash must be restored";
            return refuse("full_page_writes", text(2)?, advice);
        }
        if matches!(text(3)?.as_str(), "off") {
            let advice = "set it to `on` or stronger for this role or database";
            return refuse("synchronous_commit", text(3)?, advice);
        }
        if row.try_get::<_, bool>(5).map_err(failed)? {
            let advice = "this is a standby, connect to the primary";
            return refuse("in_recovery", "on".to_owned(), advice);
        }
        if on(&text(4)?) {
            let advice = "turn it off for this role or database";
            return refuse("default_transaction_read_only", text(4)?, advice);
        }
        if text(6)? != "UTF8" {
            return refuse("server_encoding", text(6)?, "create the database with UTF8");
        }
        Ok(())
    }
}

/// Bounds how long a host may be silent that has gone without a word, where the
/// URL does not: by default it would be hours. A host that is there, with a
/// server that takes its time, is not meant; callers have timeouts for it.
fn bound_silence(config: &mut Config) {
    let usual = Config::new();
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_keepalives_idle() == usual.get_keepalives_idle() {
        config.keepalives_idle(SILENCE / 3);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(SILENCE / 6);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(4);
    }
}

fn label(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        #[allow(unreachable_patterns, reason = "not every system has sockets in files")]
        _ => "localhost".to_owned(),
    };
    let database = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    match config.get_ports().first() {
        Some(port) => format!("postgres {host}:{port}/{database}"),
        None => format!("postgres {host}/{database}"),
    }
}

/// The same way to the server for the pool.
pub(crate) struct ByServer(pub(crate) Server);

impl Connect for ByServer {
    fn connect(
        &self,
        config: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        self.0.connect.connect(config)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::NoTls;

    use super::*;

    fn config(parameters: &str) -> Config {
        let url = format!("postgres://bank@db.example/bank{parameters}");
        let config = url.parse().expect("it is a URL");
        Server::new(config, NoTls).config().clone()
    }

    #[test]
    fn a_silent_host_is_given_up_within_a_minute() {
        let config = config("");
        assert!(config.get_keepalives());
        assert_eq!(config.get_tcp_user_timeout(), Some(&SILENCE));
        let idle = config.get_keepalives_idle();
        let interval = config.get_keepalives_interval().expect("it is set");
        let retries = config.get_keepalives_retries().expect("it is set");
        assert_eq!(idle + interval * retries, SILENCE);
    }

    #[test]
    fn what_the_url_says_about_silence_counts() {
        let config = config(
            "?tcp_user_timeout=7&keepalives_idle=8&keepalives_interval=9&keepalives_retries=10",
        );
        let seconds = Duration::from_secs;
        assert_eq!(config.get_tcp_user_timeout(), Some(&seconds(7)));
        assert_eq!(config.get_keepalives_idle(), seconds(8));
        assert_eq!(config.get_keepalives_interval(), Some(seconds(9)));
        assert_eq!(config.get_keepalives_retries(), Some(10));
    }
}
