//! A connection string: what the driver reads of it, and what it does not know.

use std::path::PathBuf;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, NoTls, Socket};

use crate::OpenError;
use crate::server::Server;

/// Where a server is, and how the connection to it is encrypted.
pub(crate) struct Address {
    config: Config,
    /// What may have signed the server's certificate, unless it is what the
    /// system trusts.
    roots: Option<PathBuf>,
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        let unreadable = |reason: String| OpenError::Url { reason };
        let (url, roots) = without_roots(url).map_err(unreadable)?;
        let config = url.parse::<Config>();
        let mut config = config.map_err(|error| unreadable(cqrs_core::report(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(unreadable("it names no host".to_owned()));
        }
        if config.get_hosts().is_empty() {
            // A certificate is compared with names.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        if !config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_))) {
            // No server encrypts what stays on its machine.
            config.ssl_mode(SslMode::Disable);
        }
        Ok(Self { config, roots })
    }

    /// The server, over a connection that is encrypted as the string says.
    pub(crate) fn server(self) -> Result<Server, OpenError> {
        match self.config.get_ssl_mode() {
            SslMode::Disable => Ok(Server::new(self.config, NoTls)),
            #[cfg(feature = "tls")]
            mode => {
                let is_verified = mode == SslMode::Require || self.roots.is_some();
                let roots = self.roots.as_deref();
                let tls =
                    if is_verified { crate::tls::verified(roots)? } else { crate::tls::any() };
                Ok(Server::new(self.config, tls))
            }
            #[cfg(not(feature = "tls"))]
            mode if mode == SslMode::Require || self.roots.is_some() => Err(OpenError::TlsFeature),
            #[cfg(not(feature = "tls"))]
            _ => Ok(Server::new(self.config, NoTls)),
        }
    }

    /// The server, over a connection that `tls` encrypts.
    pub(crate) fn server_by<T>(self, tls: T) -> Result<Server, OpenError>
    where
        T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        if self.roots.is_some() {
            let reason = "`sslrootcert` is for the encryption that `open` brings along".to_owned();
            return Err(OpenError::Url { reason });
        }
        Ok(Server::new(self.config, tls))
    }
}

/// Takes out of a URL what the driver does not know: `sslrootcert`, and a mode
/// that is another word for `require`.
fn without_roots(url: &str) -> Result<(String, Option<PathBuf>), String> {
    let Some((place, parameters)) = url.split_once('?') else { return Ok((url.to_owned(), None)) };
    let (mut kept, mut roots) = (Vec::new(), None);
    for parameter in parameters.split('&') {
        match parameter.split_once('=') {
            Some(("sslrootcert", "system")) => {}
            Some(("sslrootcert", path)) => {
                let path = percent_encoding::percent_decode_str(path).decode_utf8();
                let path = path.map_err(|_| "`sslrootcert` is not UTF-8".to_owned())?;
                roots = Some(PathBuf::from(path.into_owned()));
            }
            Some(("sslmode", "disable" | "prefer" | "require")) => kept.push(parameter),
            Some(("sslmode", "verify-full")) => kept.push("sslmode=require"),
            Some(("sslmode", _)) => {
                return Err("`sslmode` is `disable`, `prefer`, `require` or `verify-full`".into());
            }
            _ => kept.push(parameter),
        }
    }
    let parameters = kept.join("&");
    Ok((if parameters.is_empty() { place.into() } else { format!("{place}?{parameters}") }, roots))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parameters: &str) -> Address {
        Address::parse(&format!("postgres://u:p@db.example/bank{parameters}")).expect("it is a URL")
    }

    #[test]
    fn what_the_driver_does_not_know_is_taken_out_of_the_string() {
        let address =
            read("?sslmode=verify-full&sslrootcert=%2Fetc%2Four%20ca.pem&options=-cx%3D1");
        assert_eq!(address.roots.as_deref(), Some("/etc/our ca.pem".as_ref()));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
        assert_eq!(address.config.get_options(), Some("-cx=1"));
        assert_eq!(address.config.get_dbname(), Some("bank"));
        assert_eq!(read("?sslrootcert=system").roots, None);
        assert_eq!(read("").config.get_ssl_mode(), SslMode::Prefer);
    }

    #[test]
    fn a_password_may_look_like_a_parameter() {
        let address = Address::parse("postgres://u:a?b=c&d@db.example/bank").expect("it is a URL");
        assert_eq!(address.config.get_password(), Some(&b"a?b=c&d"[..]));
    }

    #[test]
    fn a_mode_that_there_is_not_is_refused_with_those_that_there_are() {
        let url = "postgres://u:secret@db.example/bank?sslmode=verify-ca";
        let error = Address::parse(url).err().expect("it is refused").to_string();
        assert!(
            error.contains("`require` or `verify-full`") && !error.contains("secret"),
            "{error}"
        );
    }

    #[test]
    fn an_address_without_a_name_stands_for_its_name() {
        let address = Address::parse("postgres://u@/bank?hostaddr=127.0.0.1").expect("it is a URL");
        assert_eq!(address.config.get_hosts(), [Host::Tcp("127.0.0.1".to_owned())]);
    }

    #[test]
    fn what_stays_on_the_machine_is_not_encrypted() {
        let url = "postgres://u@%2Frun%2Fpostgresql/bank?sslmode=require";
        let address = Address::parse(url).expect("it is a URL");
        assert_eq!(address.config.get_ssl_mode(), SslMode::Disable);
    }
}
